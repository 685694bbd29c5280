import type { CommandRules, RowSecurityRules } from "./types";

const TENANT = { organization_id: "tenant" } as const;
const LIVING = { ...TENANT, deleted_at: { isNull: true } } as const;
const SELF = { id: "subject" } as const;

const EVERYTHING: CommandRules = { select: "all", insert: "all", update: "all", delete: "all" };

/** Of one's own account: what Clerk keeps (address, sign-in) changes there. */
const OWN_ACCOUNT: CommandRules = {
  select: SELF,
  update: { rows: SELF, columns: ["display_name"] },
};
/** All of a key but its hash. */
const KEY = [
  "id",
  "organization_id",
  "created_by",
  "name",
  "key_prefix",
  "scopes",
  "usage_count",
  "last_used_at",
  "expires_at",
  "revoked_at",
  "created_at",
];
/** All of a session but its token's hash. */
const SESSION = [
  "id",
  "user_id",
  "organization_id",
  "clerk_id",
  "metadata",
  "ip_address",
  "user_agent",
  "created_at",
  "last_active_at",
  "expires_at",
];
const OWN_SESSIONS: CommandRules = {
  select: { rows: { user_id: "subject" }, columns: SESSION },
  delete: { user_id: "subject" },
};
/** All of a service but its configuration, in which there may be what opens the service. */
const SERVICE_STATE = ["id", "organization_id", "mcp_server_id", "is_enabled", "created_at", "updated_at"];

/** mcp_admin: an organisation is the tenant. The service applies Clerk's webhooks; triggers write the audit log. */
export const mcpAdmin: RowSecurityRules = {
  schema: "public",
  identities: {
    member: { purpose: "a user at work in one organisation (role MEMBER)" },
    viewer: { purpose: "sees what an organisation uses and nobody but themselves (role VIEWER)" },
    admin: { purpose: "administers one organisation: roles, services, keys (role ADMIN)" },
    auditor: { purpose: "reads everything of one organisation but secrets, and changes nothing" },
    service: { purpose: "the admin application itself: webhooks, look-up of sessions and keys, clean-up" },
    anonymous: { purpose: "a request without a login: nothing" },
    owner: {
      purpose: "owns the tables; its triggers write the audit log, and refuse who was anonymised",
      role: "mcp_admin_owner",
      internal: "a change without a context, an operator's for one, is audited, too",
    },
  },
  tables: {
    organizations: {
      personalData: false,
      tenantColumn: "id",
      access: {
        member: { select: { id: "tenant", deleted_at: { isNull: true } } },
        viewer: { select: { id: "tenant", deleted_at: { isNull: true } } },
        admin: {
          select: { id: "tenant", deleted_at: { isNull: true } },
          update: {
            rows: { id: "tenant", deleted_at: { isNull: true } },
            columns: ["name", "slug", "metadata"],
          },
        },
        auditor: { select: { id: "tenant" } },
        service: EVERYTHING,
      },
    },
    users: {
      personalData: true,
      // No tenant: a user is in many. Colleagues see the copy in organization_memberships.
      access: {
        member: OWN_ACCOUNT,
        viewer: OWN_ACCOUNT,
        admin: OWN_ACCOUNT,
        auditor: { select: SELF },
        service: EVERYTHING,
        // A trigger refuses whoever was anonymised.
        owner: { select: { anonymized_at: { isNull: false } } },
      },
    },
    organization_memberships: {
      personalData: true,
      tenantColumn: "organization_id",
      access: {
        member: { select: LIVING },
        viewer: { select: { ...LIVING, user_id: "subject" } },
        // Who becomes a member is Clerk's to say. Nobody changes their own role: a trigger refuses it.
        admin: { select: TENANT, update: { rows: TENANT, columns: ["role", "deleted_at"] } },
        auditor: { select: TENANT },
        service: EVERYTHING,
      },
    },
    sessions: {
      personalData: true,
      access: {
        member: OWN_SESSIONS,
        viewer: OWN_SESSIONS,
        admin: OWN_SESSIONS,
        service: EVERYTHING,
      },
    },
    organization_services: {
      personalData: false,
      tenantColumn: "organization_id",
      access: {
        member: { select: { rows: TENANT, columns: SERVICE_STATE } },
        viewer: { select: { rows: { ...TENANT, is_enabled: { is: true } }, columns: SERVICE_STATE } },
        admin: {
          select: TENANT,
          insert: {
            rows: TENANT,
            columns: ["organization_id", "mcp_server_id", "is_enabled", "configuration"],
          },
          update: { rows: TENANT, columns: ["is_enabled", "configuration"] },
          delete: TENANT,
        },
        auditor: { select: { rows: TENANT, columns: SERVICE_STATE } },
        service: EVERYTHING,
      },
    },
    api_keys: {
      personalData: true,
      tenantColumn: "organization_id",
      access: {
        member: { select: { rows: { ...TENANT, created_by: "subject" }, columns: KEY } },
        // The service makes keys: it alone ever sees one.
        admin: {
          select: { rows: TENANT, columns: KEY },
          update: { rows: TENANT, columns: ["name", "revoked_at"] },
          delete: TENANT,
        },
        auditor: { select: { rows: TENANT, columns: KEY } },
        service: EVERYTHING,
      },
    },
    // The registry of servers is the same for every organisation.
    mcp_servers: {
      personalData: false,
      access: {
        member: { select: "all" },
        viewer: { select: "all" },
        admin: { select: "all" },
        auditor: { select: "all" },
        service: { select: "all", insert: "all", update: "all" },
      },
    },
    audit_logs: {
      personalData: true,
      tenantColumn: "organization_id",
      access: {
        admin: { select: TENANT },
        auditor: { select: TENANT },
        service: { select: "all" },
        owner: { insert: "all" },
      },
    },
  },
  exceptions: {},
  functions: {
    "demand_context(regclass)": ["service"],
    "delete_expired_sessions(integer)": ["service"],
    "delete_expired_api_keys(integer)": ["service"],
    "anonymize_user(uuid)": ["service"],
    "purge_deleted()": ["service"],
    "maintain_logs()": ["service"],
  },
  views: {},
};
