import type * as pulumi from "@pulumi/pulumi";

/** A server as those who log in see it. */
export interface Target {
  host: string;
  port: number;
  certificate: pulumi.Output<string>;
  serverName: string;
}
