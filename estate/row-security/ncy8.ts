import type { CommandRules, RowSecurityRules } from "./types";

const TENANT = { organization_id: "tenant" } as const;
const LIVING = { ...TENANT, deleted_at: { isNull: true } } as const;
const SELF = { id: "subject" } as const;
const OWN = { user_id: "subject" } as const;

const EVERYTHING: CommandRules = { select: "all", insert: "all", update: "all", delete: "all" };

/** All of an account but the hash of its password. Address, password and role change through the service. */
const ACCOUNT = ["id", "email", "role", "status", "created_at", "updated_at", "deleted_at", "anonymized_at"];
const OWN_ACCOUNT: CommandRules = { select: { rows: SELF, columns: ACCOUNT } };
/** All of a session but its token's hash. */
const SESSION = ["id", "user_id", "ip_address", "user_agent", "expires_at", "created_at"];
const OWN_SESSIONS: CommandRules = { select: { rows: OWN, columns: SESSION }, delete: OWN };
/** All of a key but its hash. The service makes keys: it alone ever sees one. */
const KEY = [
  "id",
  "organization_id",
  "user_id",
  "key_prefix",
  "scopes",
  "last_used_at",
  "expires_at",
  "created_at",
];
const OWN_KEYS = { ...TENANT, ...OWN } as const;
const PREFERENCES = ["preferences", "timezone", "locale"];
const OWN_PREFERENCES: CommandRules = {
  select: OWN,
  insert: { rows: OWN, columns: ["user_id", ...PREFERENCES] },
  update: { rows: OWN, columns: PREFERENCES },
  delete: OWN,
};
const TASK = ["title", "description", "status", "priority", "due_date", "assignee_id", "metadata"];
const NEW_TASK = { rows: LIVING, columns: ["organization_id", "project_id", ...TASK] };
/** Managers and admins see what was deleted, or they could not delete: the row must be seen before and after. */
const MANAGED_TASKS: CommandRules = {
  select: TENANT,
  insert: NEW_TASK,
  update: { rows: TENANT, columns: [...TASK, "project_id", "deleted_at"] },
};
const MANAGED_PROJECTS: CommandRules = {
  select: TENANT,
  insert: { rows: LIVING, columns: ["organization_id", "name", "description", "status", "settings"] },
  update: { rows: TENANT, columns: ["name", "description", "status", "settings", "deleted_at"] },
};
const MANAGED_TEAMS: CommandRules = {
  select: TENANT,
  insert: { rows: LIVING, columns: ["organization_id", "name", "description"] },
  update: { rows: TENANT, columns: ["name", "description", "deleted_at"] },
};
const MANAGED_TEAM_MEMBERS: CommandRules = {
  select: TENANT,
  insert: { rows: LIVING, columns: ["organization_id", "team_id", "user_id"] },
  update: { rows: TENANT, columns: ["deleted_at"] },
  delete: TENANT,
};

const LIST_OF_THE_PLATFORM = {
  reason: "one list for the platform",
  readers: ["member", "manager", "admin", "auditor", "service"],
};

/** ncy8: an organisation is the tenant. Triggers write the audit log, the service the others. */
export const ncy8: RowSecurityRules = {
  schema: "public",
  identities: {
    member: { purpose: "a user at work in one organisation (role MEMBER)" },
    manager: { purpose: "leads its teams, projects and tasks (role MANAGER)" },
    admin: { purpose: "administers one organisation: members, roles, keys (roles ADMIN and OWNER)" },
    auditor: { purpose: "reads everything of one organisation but secrets, and changes nothing" },
    service: { purpose: "the platform itself: logins, look-up of sessions and keys, its logs, clean-up" },
    anonymous: { purpose: "a request without a login: nothing" },
    owner: {
      purpose: "owns the tables; its triggers write the audit log, and refuse who was anonymised",
      role: "ncy8_owner",
      internal: "a change without a context, an operator's for one, is audited, too",
    },
  },
  tables: {
    users: {
      personalData: true,
      // No tenant: a user is in many. Colleagues see the copy of the address in organization_members.
      access: {
        member: OWN_ACCOUNT,
        manager: OWN_ACCOUNT,
        admin: OWN_ACCOUNT,
        auditor: OWN_ACCOUNT,
        service: EVERYTHING,
        // A trigger refuses whoever was anonymised.
        owner: { select: { anonymized_at: { isNull: false } } },
      },
    },
    organizations: {
      personalData: true,
      tenantColumn: "id",
      access: {
        member: { select: { id: "tenant", deleted_at: { isNull: true } } },
        manager: { select: { id: "tenant", deleted_at: { isNull: true } } },
        admin: {
          select: { id: "tenant", deleted_at: { isNull: true } },
          update: {
            rows: { id: "tenant", deleted_at: { isNull: true } },
            columns: ["name", "slug", "settings"],
          },
        },
        auditor: { select: { id: "tenant" } },
        service: EVERYTHING,
      },
    },
    organization_members: {
      personalData: true,
      tenantColumn: "organization_id",
      access: {
        member: { select: LIVING },
        manager: { select: LIVING },
        // Invitations are the service's. A trigger refuses one's own role, and whatever has to do with an OWNER: role and end.
        admin: { select: TENANT, update: { rows: TENANT, columns: ["role", "deleted_at"] } },
        auditor: { select: TENANT },
        service: EVERYTHING,
      },
    },
    sessions: {
      personalData: true,
      access: {
        member: OWN_SESSIONS,
        manager: OWN_SESSIONS,
        admin: OWN_SESSIONS,
        service: EVERYTHING,
      },
    },
    api_keys: {
      personalData: true,
      tenantColumn: "organization_id",
      access: {
        member: { select: { rows: OWN_KEYS, columns: KEY }, delete: OWN_KEYS },
        manager: { select: { rows: OWN_KEYS, columns: KEY }, delete: OWN_KEYS },
        admin: { select: { rows: TENANT, columns: KEY }, delete: TENANT },
        auditor: { select: { rows: TENANT, columns: KEY } },
        service: EVERYTHING,
      },
    },
    user_preferences: {
      personalData: true,
      access: {
        member: OWN_PREFERENCES,
        manager: OWN_PREFERENCES,
        admin: OWN_PREFERENCES,
        service: EVERYTHING,
      },
    },
    user_roles: {
      personalData: true,
      tenantColumn: "organization_id",
      access: {
        member: { select: { ...TENANT, ...OWN } },
        manager: { select: TENANT },
        // A trigger writes who granted it, and refuses a grant to oneself.
        admin: {
          select: TENANT,
          insert: { rows: TENANT, columns: ["organization_id", "user_id", "role_id"] },
          delete: TENANT,
        },
        auditor: { select: TENANT },
        service: EVERYTHING,
      },
    },
    teams: {
      personalData: false,
      tenantColumn: "organization_id",
      access: {
        member: { select: LIVING },
        manager: MANAGED_TEAMS,
        admin: MANAGED_TEAMS,
        auditor: { select: TENANT },
        service: EVERYTHING,
      },
    },
    team_members: {
      personalData: true,
      tenantColumn: "organization_id",
      access: {
        member: { select: LIVING },
        manager: MANAGED_TEAM_MEMBERS,
        admin: MANAGED_TEAM_MEMBERS,
        auditor: { select: TENANT },
        service: EVERYTHING,
      },
    },
    projects: {
      personalData: false,
      tenantColumn: "organization_id",
      access: {
        member: { select: LIVING },
        manager: MANAGED_PROJECTS,
        admin: MANAGED_PROJECTS,
        auditor: { select: TENANT },
        service: EVERYTHING,
      },
    },
    tasks: {
      personalData: true,
      tenantColumn: "organization_id",
      access: {
        // Works on their own tasks and may hand them on.
        member: {
          select: LIVING,
          insert: NEW_TASK,
          update: { rows: { ...LIVING, assignee_id: "subject" }, columns: TASK, becomes: LIVING },
        },
        manager: MANAGED_TASKS,
        admin: MANAGED_TASKS,
        auditor: { select: TENANT },
        service: EVERYTHING,
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
    access_logs: {
      personalData: true,
      tenantColumn: "organization_id",
      access: {
        auditor: { select: TENANT },
        service: { select: "all", insert: "all" },
      },
    },
    error_logs: {
      // A message may quote anything.
      personalData: true,
      access: { service: { select: "all", insert: "all" } },
    },
    // Of the whole database.
    backup_snapshots: { personalData: false, access: { service: EVERYTHING } },
  },
  exceptions: {
    roles: LIST_OF_THE_PLATFORM,
    permissions: LIST_OF_THE_PLATFORM,
    role_permissions: LIST_OF_THE_PLATFORM,
  },
  functions: {
    "demand_context(regclass)": ["service"],
    "delete_expired_sessions(integer)": ["service"],
    "delete_expired_api_keys(integer)": ["service"],
    "delete_expired_backup_snapshots()": ["service"],
    "anonymize_user(uuid)": ["service"],
    "purge_deleted()": ["service"],
    "maintain_logs()": ["service"],
  },
  views: {},
};
