import type { KnownType, RefusedType } from "./type";

const COMMAND: KnownType = {
  because: "a known script, by its digest, for what has no kind of its own",
  judged: {
    create: ["command-script-known"],
    update: ["command-script-known"],
    delete: ["command-script-known"],
    stdin: ["command-script-known"],
    "connection.hostKey": ["connection-host-pinned"],
    "triggers[]": ["secret-not-exposed"],
  },
  harmless: [
    ...["connection.host", "connection.port", "connection.user", "connection.privateKey"],
    ...["connection.dialErrorLimit", "connection.perDialTimeout"],
  ],
  kept: ["connection.hostKey", "connection.privateKey"],
  only: { logging: ["none"], addPreviousOutputInEnv: [false] },
};

export const OTHER_TYPES: Readonly<Record<string, KnownType>> = {
  "pulumi:pulumi:Stack": {
    because: "the program itself, whose outputs are judged at the end",
    judged: { "*": ["secret-not-exposed"] },
    harmless: ["**"],
  },
  "pulumi:providers:estate": {
    because: "the project's own provider, which verifies every server it talks to",
    judged: {
      mariadb: ["connection-tls-verified"],
      postgres: ["connection-tls-verified"],
      redis: ["connection-tls-verified"],
      ssh: ["connection-host-pinned"],
    },
    harmless: ["version"],
    kept: ["ssh", "mariadb"],
  },
  "pulumi:providers:random": {
    because: "it makes passwords and reaches nobody",
    judged: {},
    harmless: ["version"],
  },
  "pulumi:providers:command": {
    because: "it runs commands, which are judged one by one",
    judged: {},
    harmless: ["version"],
  },
  "pulumi:providers:github": {
    because: "it publishes what applications log in with, to GitHub or what the operator named",
    judged: { baseUrl: ["connection-tls-verified"], insecure: ["connection-tls-verified"] },
    harmless: ["owner", "writeDelayMs", "readDelayMs", "version"],
    secret: ["token"],
  },
  "pulumi:providers:postgresql": {
    because: "for objects of PostgreSQL that this project does not model",
    judged: { sslmode: ["official-postgres-narrow"], superuser: ["official-postgres-narrow"] },
    harmless: [
      ...["host", "port", "username", "database", "sslrootcert", "connectTimeout", "maxConnections"],
      ...["expectedVersion", "version"],
    ],
    secret: ["password"],
    only: { scheme: ["postgres"], databaseUsername: [] },
  },
  "random:index/randomPassword:RandomPassword": {
    because: "every password is made here, and was never written down",
    judged: {
      length: ["password-strong"],
      lower: ["password-strong"],
      upper: ["password-strong"],
      numeric: ["password-strong"],
      number: ["password-strong"],
      "keepers.*": ["password-rotated"],
    },
    harmless: ["minLower", "minUpper", "minNumeric", "minSpecial", "special", "overrideSpecial"],
  },
  "command:remote:Command": COMMAND,
  "command:local:Command": { ...COMMAND, harmless: [] },
  "github:index/actionsSecret:ActionsSecret": {
    because: "what an application of the repository logs in with",
    judged: {},
    // Judged by what it is made from, which a preview knows: published-secret-generated.
    harmless: ["repository", "secretName"],
    secret: ["value", "plaintextValue"],
  },
  "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret": {
    because: "what an application logs in with in one environment",
    judged: {},
    harmless: ["repository", "environment", "secretName"],
    secret: ["value", "plaintextValue"],
  },
  ...officialPostgres(),
};

/** Objects that hold neither data nor rights of services: for those the project's own kinds are there. */
function officialPostgres(): Record<string, KnownType> {
  const because = "an object of PostgreSQL that this project does not model and that holds no data";
  const rules = ["official-postgres-narrow"];
  return {
    "postgresql:index/role:Role": {
      because,
      judged: {
        name: rules,
        password: rules,
        encryptedPassword: rules,
        "roles[]": rules,
        "searchPaths[]": rules,
      },
      harmless: ["connectionLimit", "statementTimeout", "idleInTransactionSessionTimeout", "validUntil"],
      only: {
        superuser: [false],
        createDatabase: [false],
        createRole: [false],
        replication: [false],
        bypassRowLevelSecurity: [false],
        login: [false],
        inherit: [true, false],
        skipDropRole: [true, false],
        skipReassignOwned: [true, false],
      },
    },
    "postgresql:index/publication:Publication": {
      because,
      judged: { "tables[]": rules, owner: rules },
      harmless: ["name", "database", "publishParams[]", "publishViaPartitionRootParam"],
      only: { allTables: [false], dropCascade: [false] },
    },
    "postgresql:index/subscription:Subscription": {
      because,
      judged: { conninfo: rules },
      harmless: ["name", "database", "publications[]", "createSlot", "slotName"],
    },
    "postgresql:index/server:Server": {
      because,
      judged: { fdwName: rules, "options.*": rules, serverOwner: rules },
      harmless: ["serverName", "serverType", "serverVersion"],
      only: { dropCascade: [false] },
    },
    "postgresql:index/userMapping:UserMapping": {
      because,
      judged: { userName: rules, "options.*": rules },
      harmless: ["serverName"],
    },
  };
}

const OURS = "the project's own kinds hold data and rights, with drift, proof by login and a guard for data";

/** What no configuration allows. */
export const REFUSED: readonly RefusedType[] = [
  {
    matches: /^(?:mysql:|pulumi:providers:mysql$)/,
    because:
      "@pulumi/mysql reads a variable that MariaDB 10.10 removed, cannot verify a server of an own authority, and has no " +
      "guard for data: use estate:mariadb:Database and estate:mariadb:Account",
  },
  {
    matches: /^postgresql:index\/database:/,
    because: `it is dropped with its data when its encoding changes: use estate:postgres:Database; ${OURS}`,
  },
  {
    matches: /^postgresql:index\/grantRole:/,
    because: `any update of its role revokes it without a word: use estate:postgres:Role; ${OURS}`,
  },
  {
    matches: /^postgresql:index\/(?:grant|defaultPrivileges|defaultPrivileg):/,
    because: `what is granted by hand is never seen: use estate:postgres:Access; ${OURS}`,
  },
  {
    matches:
      /^postgresql:index\/(?:extension|function|schema|securityLabel|replicationSlot|physicalReplicationSlot):/,
    because: `extensions, schemas and functions come from the catalogue and the migrations; ${OURS}`,
  },
  {
    matches: /^pulumi-nodejs:/,
    because:
      "a dynamic resource runs any code with the program's own rights, and nothing of it can be judged",
  },
];
