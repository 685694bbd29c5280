import { hostText } from "../host-text";
import { REMOTE_COMMAND, SERVER_SETTINGS } from "../kinds";
import { isUnknown, object } from "../plain";
import { resourceRule } from "../rule";

interface Demand {
  setting: RegExp;
  fault: string;
}

/** A configuration is recognised by a line that every one of its kind has. */
const ENGINES: {
  engine: string;
  configuration: RegExp;
  demands: Demand[];
  /** What the running server must be held to. */
  runs: Record<string, RegExp>;
}[] = [
  {
    engine: "MariaDB",
    configuration: /^\[mariadbd\]$/m,
    demands: [
      {
        setting: /^require_secure_transport *= *(ON|1)$/m,
        fault: "answers without TLS. Set require_secure_transport = ON",
      },
      {
        setting: /^tls_version *= *TLSv1\.[23](,TLSv1\.3)?$/m,
        fault: "takes any version of TLS. Set tls_version = TLSv1.2,TLSv1.3",
      },
    ],
    runs: { require_secure_transport: /^ON$/, tls_version: /^TLSv1\.[23](,TLSv1\.3)?$/ },
  },
  {
    engine: "PostgreSQL",
    configuration: /^listen_addresses *=/m,
    demands: [
      { setting: /^ssl *= *on$/m, fault: "has no TLS. Set ssl = on" },
      {
        setting: /^ssl_min_protocol_version *= *'TLSv1\.3'$/m,
        fault: "takes old versions of TLS. Set ssl_min_protocol_version = 'TLSv1.3'",
      },
      {
        setting: /^password_encryption *= *'scram-sha-256'$/m,
        fault: "may keep weak password hashes. Set password_encryption = 'scram-sha-256'",
      },
    ],
    runs: { ssl: /^on$/, ssl_min_protocol_version: /^TLSv1\.3$/, password_encryption: /^scram-sha-256$/ },
  },
  {
    engine: "Redis",
    configuration: /^aclfile /m,
    demands: [
      { setting: /^port 0$/m, fault: "answers on a plain port. Set port 0" },
      { setting: /^tls-port [1-9]\d*$/m, fault: "has no TLS port. Set tls-port" },
    ],
    runs: { tls: /^TLSv1\.[23]$/ },
  },
];

export const serverTlsOnly = resourceRule({
  name: "server-tls-only",
  description: "A server's configuration, as it is written to its host, leaves no way in without TLS.",
  severity: "critical",
  remediationSteps: "Mend the configuration in components/plans/<engine>-config.ts.",
  types: [REMOTE_COMMAND, SERVER_SETTINGS],
  *faults({ type, props }) {
    const text = hostText(type, props);
    for (const { engine, configuration, demands, runs } of ENGINES) {
      if (configuration.test(text)) {
        for (const { setting, fault } of demands) if (!setting.test(text)) yield `${engine} ${fault}`;
      }
      if (type !== SERVER_SETTINGS || props.engine !== engine.toLowerCase().replace("postgresql", "postgres"))
        continue;
      if (isUnknown(props.effective)) continue;
      const effective = object(props.effective);
      for (const [name, wanted] of Object.entries(runs)) {
        if (isUnknown(effective[name]) || wanted.test(String(effective[name]))) continue;
        yield `${engine}: effective.${name} is not watched to stay closed. Set it as the configuration does`;
      }
    }
  },
});
