import { randomBytes, randomUUID } from "node:crypto";
import { planRowSecurity } from "../../components/plans/row-security";
import { signContext } from "../../estate/row-security/context-token";
import type { RowSecurityDeclaration } from "../../estate/row-security/types";
import type { PostgresBench } from "./postgres-kinds";

/** A declaration that has each form of rule once, and the tables for it. */
export const library: RowSecurityDeclaration = {
  database: "library",
  schema: "public",
  identities: {
    reader: { purpose: "somebody with a card of one branch" },
    librarian: { purpose: "works in one branch" },
    auditor: { purpose: "reads everything, in every branch" },
    service: { purpose: "background work" },
    owner: {
      purpose: "the log's trigger",
      role: "library_owner",
      internal: "functions only: no session becomes the owner",
    },
  },
  tables: {
    branches: {
      personalData: false,
      tenantColumn: "id",
      access: {
        reader: { select: { id: "tenant" } },
        librarian: { select: { id: "tenant" }, update: { rows: { id: "tenant" }, columns: ["name"] } },
        auditor: { select: "all" },
        service: { select: "all" },
      },
    },
    loans: {
      personalData: true,
      tenantColumn: "branch_id",
      access: {
        reader: {
          select: { branch_id: "tenant", reader_id: "subject" },
          insert: {
            rows: { branch_id: "tenant", reader_id: "subject", state: { is: "wanted" } },
            columns: ["branch_id", "reader_id", "title", "state"],
          },
        },
        librarian: {
          select: { branch_id: "tenant" },
          insert: { branch_id: "tenant" },
          update: {
            rows: { branch_id: "tenant", state: { is: "wanted" } },
            becomes: { branch_id: "tenant" },
          },
          delete: { branch_id: "tenant" },
        },
        auditor: { select: { rows: "all", columns: ["id", "branch_id", "state"] } },
        service: { select: "all", delete: { returned: { is: true } } },
      },
    },
    notices: {
      personalData: false,
      tenantColumn: "branch_id",
      access: {
        reader: {
          select: {
            anyOf: [{ branch_id: { isNull: true } }, { branch_id: "tenant" }],
            reason: "some ten notices",
          },
        },
      },
    },
    log: {
      personalData: true,
      access: { auditor: { select: "all" }, owner: { insert: "all" } },
    },
  },
  exceptions: {
    languages: { reason: "the same for all", readers: ["reader", "service"] },
  },
  functions: { "open_loans(uuid)": ["librarian"] },
  views: { wanted_loans: ["reader", "librarian"] },
  sequences: { notices_id_seq: [] },
};

export const entry = { owner: "library_owner", service: "svc_library" };

/** What a migration would have made, as the owner. */
export const LIBRARY_SQL = `
CREATE TABLE branches (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TYPE loan_state AS ENUM ('wanted', 'lent');
CREATE TABLE loans (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), branch_id uuid NOT NULL REFERENCES branches, reader_id uuid NOT NULL,
  title text NOT NULL DEFAULT '', state loan_state NOT NULL DEFAULT 'wanted', returned boolean NOT NULL DEFAULT false);
CREATE TABLE notices (id serial PRIMARY KEY, branch_id uuid, words text);
CREATE TABLE log (at timestamptz NOT NULL DEFAULT now(), who uuid, words text) PARTITION BY RANGE (at);
CREATE TABLE log_default PARTITION OF log DEFAULT;
CREATE TABLE languages (code text PRIMARY KEY);
CREATE VIEW wanted_loans AS SELECT * FROM loans WHERE state = 'wanted';
CREATE FUNCTION open_loans(of_reader uuid) RETURNS bigint LANGUAGE sql STABLE
  AS 'SELECT count(*) FROM public.loans WHERE reader_id = of_reader';
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO public.log (who, words) VALUES (context.subject(), TG_OP);
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON loans FOR EACH ROW EXECUTE FUNCTION note()`;

export const key = () => randomBytes(30).toString("base64url");

/** Inputs of the kind for the declaration in a database of any name. */
export function declared(database: string, keys: Record<string, string>) {
  return { ...planRowSecurity(library, entry), database, keys };
}

export interface Who {
  identity: "reader" | "librarian" | "auditor" | "service";
  tenant?: string;
  subject?: string;
}

export const roleOfWho = ({ identity }: Who) =>
  identity === "service" ? "svc_library" : `library_${identity}`;

/** A token that is valid for a minute. */
export function tokenOf(who: Who, secret: string, id = "k1", seconds = 60): string {
  return signContext(
    { id, secret },
    {
      role: roleOfWho(who),
      ...(who.tenant === undefined ? {} : { tenant: who.tenant }),
      ...(who.subject === undefined ? {} : { subject: who.subject }),
      expires: new Date(Date.now() + seconds * 1000),
    },
  );
}

/** A session of the service that works as the identity for one transaction, which is rolled back. */
export async function inContext<Row extends Record<string, unknown>>(
  bench: PostgresBench,
  database: string,
  password: string,
  role: string,
  token: string | undefined,
  ...statements: string[]
): Promise<Row[]> {
  const context = token === undefined ? [] : [`SELECT set_config('app.context', '${token}', true)`];
  return bench.sqlAs<Row>(
    "svc_library_a",
    password,
    database,
    "BEGIN",
    `SET LOCAL ROLE ${role}`,
    ...context,
    ...statements,
  );
}

export const ids = {
  north: randomUUID(),
  south: randomUUID(),
  ann: randomUUID(),
  bob: randomUUID(),
};
