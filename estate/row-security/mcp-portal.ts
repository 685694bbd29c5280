import type { RowSecurityRules } from "./types";

const OWN = { team_id: "tenant", user_id: "subject" } as const;
const TEAM = { team_id: "tenant" } as const;

/** All of a table but what is secret in it: neither an admin nor an auditor has a use for ciphertext and hashes. */
const SETTINGS = [
  "id",
  "team_id",
  "user_id",
  "server_id",
  "catalog_team_id",
  "enabled",
  "container_id",
  "container_state",
  "key_version",
  "config_metadata",
  "last_state_change",
  "created_at",
  "updated_at",
];
const SESSIONS = [
  "id",
  "team_id",
  "user_id",
  "ip_address",
  "user_agent",
  "created_at",
  "last_activity",
  "expires_at",
  "is_active",
];
/** What whoever adds a custom server gives it. */
const CUSTOM_SERVER = [
  "team_id",
  "name",
  "display_name",
  "description",
  "image",
  "catalog_type",
  "category",
  "tags",
  "metadata",
  "version",
  "created_by",
];
const SERVER_TEXTS = [
  "display_name",
  "description",
  "image",
  "category",
  "tags",
  "metadata",
  "version",
  "is_active",
];

/** The predefined catalogue and the team's own servers. */
const CATALOGUE = {
  anyOf: [{ team_id: { isNull: true } }, TEAM],
  reason: "some hundred servers; searches go through search_servers, which uses the indexes",
};

/** mcp_portal: a team is the tenant. Nobody writes the audit log: the owner's triggers do. */
export const mcpPortal: RowSecurityRules = {
  schema: "public",
  identities: {
    member: { purpose: "a user at work in one team: their own settings, sessions and profile" },
    admin: { purpose: "an admin of one team: its people, its custom servers, what they have switched on" },
    superadmin: { purpose: "the portal's own administration: teams, accounts, the predefined catalogue" },
    auditor: { purpose: "reads what happened, in every team, and changes nothing" },
    service: { purpose: "the portal itself: logins, sessions, containers" },
    anonymous: { purpose: "a request without a login: nothing" },
    owner: {
      purpose: "owns the tables; its functions write the audit log, clean up sessions, count and search",
      role: "mcp_admin",
      internal: "triggers and scheduled jobs work where no user has signed anything",
    },
  },
  tables: {
    teams: {
      personalData: false,
      tenantColumn: "id",
      access: {
        member: { select: { id: "tenant" } },
        admin: {
          select: { id: "tenant" },
          update: { rows: { id: "tenant" }, columns: ["name", "description"] },
        },
        superadmin: { select: "all", insert: "all", update: "all", delete: "all" },
        auditor: { select: "all" },
        service: { select: "all" },
      },
    },
    users: {
      personalData: true,
      tenantColumn: "team_id",
      access: {
        // The subject is signed: in whatever team they work, the profile is theirs. Role, team and state are not.
        member: {
          select: { id: "subject" },
          update: { rows: { id: "subject" }, columns: ["display_name", "metadata"] },
        },
        admin: {
          select: TEAM,
          insert: { rows: TEAM, columns: ["team_id", "azure_oid", "email", "display_name"] },
          // Not of other admins, and never the role.
          update: {
            rows: { ...TEAM, role: { is: "standard_user" } },
            columns: ["display_name", "is_active"],
          },
        },
        superadmin: { select: "all", insert: "all", update: "all", delete: "all" },
        auditor: { select: "all" },
        service: { select: "all", update: { rows: "all", columns: ["last_login_at"] } },
      },
    },
    team_members: {
      personalData: true,
      tenantColumn: "team_id",
      access: {
        member: { select: TEAM },
        admin: {
          select: TEAM,
          insert: TEAM,
          update: { rows: TEAM, columns: ["role"] },
          delete: TEAM,
        },
        superadmin: { select: "all", insert: "all", update: "all", delete: "all" },
        auditor: { select: "all" },
        service: { select: "all" },
      },
    },
    mcp_servers: {
      personalData: false,
      tenantColumn: "team_id",
      access: {
        member: { select: CATALOGUE },
        admin: {
          select: CATALOGUE,
          insert: { rows: { ...TEAM, created_by: "subject" }, columns: CUSTOM_SERVER },
          update: { rows: TEAM, columns: SERVER_TEXTS },
          delete: TEAM,
        },
        superadmin: {
          select: "all",
          insert: {
            rows: { team_id: { isNull: true } },
            columns: CUSTOM_SERVER.filter((column) => column !== "team_id"),
          },
          update: { rows: { team_id: { isNull: true } }, columns: SERVER_TEXTS },
          delete: { team_id: { isNull: true } },
        },
        auditor: { select: "all" },
        service: { select: "all" },
        // search_servers applies CATALOGUE itself.
        owner: { select: "all" },
      },
    },
    user_server_configs: {
      personalData: true,
      tenantColumn: "team_id",
      access: {
        member: {
          select: OWN,
          insert: {
            rows: OWN,
            columns: [
              "id",
              "team_id",
              "user_id",
              "server_id",
              "enabled",
              "encrypted_config",
              "key_version",
              "config_metadata",
            ],
          },
          // Not the state of the container: that is the service's to tell.
          update: {
            rows: OWN,
            columns: ["enabled", "encrypted_config", "key_version", "config_metadata"],
          },
          delete: OWN,
        },
        admin: {
          select: { rows: TEAM, columns: SETTINGS },
          update: { rows: TEAM, columns: ["enabled"] },
          delete: TEAM,
        },
        superadmin: { select: { rows: "all", columns: SETTINGS } },
        auditor: { select: { rows: "all", columns: SETTINGS } },
        service: {
          select: "all",
          update: {
            rows: "all",
            columns: ["container_id", "container_state"],
          },
        },
        // The materialised view counts them.
        owner: { select: "all" },
      },
    },
    user_sessions: {
      personalData: true,
      tenantColumn: "team_id",
      access: {
        member: {
          select: { rows: OWN, columns: SESSIONS },
          update: { rows: OWN, columns: ["is_active"], becomes: { ...OWN, is_active: { is: false } } },
        },
        admin: {
          select: { rows: TEAM, columns: SESSIONS },
          update: { rows: TEAM, columns: ["is_active"], becomes: { ...TEAM, is_active: { is: false } } },
        },
        auditor: { select: { rows: "all", columns: SESSIONS } },
        service: { select: "all", insert: "all", update: "all", delete: "all" },
        // clean_sessions, which locks what it deletes: PostgreSQL asks an update's rule for that.
        owner: { select: "all", update: "all", delete: "all" },
      },
    },
    audit_logs: {
      personalData: true,
      tenantColumn: "team_id",
      access: {
        owner: { insert: "all" },
        admin: { select: TEAM },
        superadmin: { select: "all" },
        auditor: { select: "all" },
      },
    },
    audit_logs_archive: {
      personalData: true,
      tenantColumn: "team_id",
      access: {
        superadmin: { select: "all" },
        auditor: { select: "all" },
      },
    },
    encryption_keys: {
      personalData: false,
      access: {
        // Wrapped with a key that is not in the database. Versions are made by `estate keys rotate`, as the admin.
        service: { select: "all" },
        superadmin: {
          select: { rows: "all", columns: ["version", "state", "created_at", "rotated_at", "retired_at"] },
        },
      },
    },
  },
  exceptions: {
    audit_retention: {
      reason: "how many days each kind of event is kept: the same for all",
      readers: ["superadmin", "auditor"],
    },
  },
  functions: {
    "identity_of(uuid, uuid)": ["service"],
    "record_event(public.audit_action, text, uuid, jsonb)": ["member", "admin", "superadmin"],
    "seal_secret(text, bytea, uuid, integer)": ["member", "service"],
    "open_secret(bytea, bytea, uuid, integer)": ["member", "service"],
    "search_servers(text, text[], integer)": ["member", "admin", "superadmin"],
    "team_server_usage()": ["admin"],
    "all_server_usage()": ["superadmin"],
  },
  views: {
    user_dashboard: ["member", "admin", "superadmin"],
    server_statistics: ["member", "admin", "superadmin"],
  },
};
