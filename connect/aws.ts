import { Agent } from "node:https";

/** Where AWS answers, or what speaks as it does. */
export interface AwsPlace {
  region: string;
  /** https URL; undefined: AWS itself. */
  endpoint?: string;
  /** PEM of the service's authority; undefined: the system's. */
  caCertificate?: string;
}

/** Settings of a client of any of the services; who it works as is the caller's to add. */
export function awsClientSettings({ region, endpoint, caCertificate }: AwsPlace) {
  return {
    region,
    // S3's own: what is not AWS answers at one name for all buckets. The other clients pass over it.
    ...(endpoint && { endpoint, forcePathStyle: true }),
    ...(caCertificate && {
      requestHandler: {
        httpsAgent: new Agent({ ca: caCertificate, keepAlive: true }),
        connectionTimeout: 10_000,
      },
    }),
  };
}
