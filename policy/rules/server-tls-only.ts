import { writtenFiles } from "../host-text";
import { REDIS_INSTANCE, REMOTE_COMMAND, SERVER_SETTINGS } from "../kinds";
import { isUnknown, object } from "../plain";
import { resourceRule } from "../rule";
import { ENGINES } from "../servers/engines";
import { askingFaults } from "../servers/redis";
import { effectiveOf } from "../servers/setting";

interface Demand {
  setting: string;
  value: RegExp;
  fault: string;
}

const TLS_VERSIONS = /^TLSv1\.[23](?:,TLSv1\.3)?$/;
const ON = /^(?:on|true|yes|1)$/i;

/** What must stand in force, and what the running server must be held to. */
const DEMANDS: Record<keyof typeof ENGINES, { file: Demand[]; runs: Record<string, RegExp> }> = {
  mariadb: {
    file: [
      {
        setting: "require_secure_transport",
        value: /^(?:ON|1)$/,
        fault: "answers without TLS. Set require_secure_transport = ON",
      },
      {
        setting: "tls_version",
        value: TLS_VERSIONS,
        fault: "takes any version of TLS. Set tls_version = TLSv1.2,TLSv1.3",
      },
    ],
    runs: { require_secure_transport: /^ON$/, tls_version: TLS_VERSIONS },
  },
  postgres: {
    file: [
      { setting: "ssl", value: ON, fault: "has no TLS. Set ssl = on" },
      {
        setting: "ssl_min_protocol_version",
        value: /^TLSv1\.3$/,
        fault: "takes old versions of TLS. Set ssl_min_protocol_version = 'TLSv1.3'",
      },
      {
        setting: "password_encryption",
        value: /^scram-sha-256$/,
        fault: "may keep weak password hashes. Set password_encryption = 'scram-sha-256'",
      },
    ],
    runs: { ssl: /^on$/, ssl_min_protocol_version: /^TLSv1\.3$/, password_encryption: /^scram-sha-256$/ },
  },
  redis: {
    file: [
      { setting: "port", value: /^0$/, fault: "answers on a plain port. Set port 0" },
      { setting: "tls-port", value: /^[1-9]\d*$/, fault: "has no TLS port. Set tls-port" },
      { setting: "aclfile", value: /./, fault: "knows no users, so anybody is one. Set aclfile" },
    ],
    runs: { tls: /^TLSv1\.[23]$/, default_user: /^off$/, shared: /^closed$/ },
  },
};

export const serverTlsOnly = resourceRule({
  name: "server-tls-only",
  description: "A server's configuration, as the engine reads it, leaves no way in without TLS.",
  severity: "critical",
  remediationSteps: "Mend the configuration in components/plans/<engine>-config.ts.",
  types: [REMOTE_COMMAND, SERVER_SETTINGS, REDIS_INSTANCE],
  *faults({ type, props }) {
    for (const { engine, configuration } of writtenFiles(type, props)) {
      const { label, parse } = ENGINES[engine];
      const { file, runs } = DEMANDS[engine];
      const inForce = configuration === undefined ? undefined : effectiveOf(parse(configuration));
      for (const { setting, value, fault } of inForce ? file : []) {
        if (!value.test(inForce?.get(setting) ?? "")) yield `${label} ${fault}`;
      }
      if (type === REDIS_INSTANCE && inForce) {
        for (const fault of askingFaults(inForce, props)) yield `${label} ${fault}`;
      }
      if (type === REMOTE_COMMAND || isUnknown(props.effective)) continue;
      const effective = object(props.effective);
      for (const [name, wanted] of Object.entries(runs)) {
        if (isUnknown(effective[name]) || wanted.test(String(effective[name]))) continue;
        yield `${label}: effective.${name} is not watched to stay closed. Set it as the configuration does`;
      }
    }
  },
});
