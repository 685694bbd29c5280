import type { PostgresConnection } from "../../../connect/postgres";
import { AFFECTED, DENIED, type Probe, VIOLATES } from "./probes";

export interface Difference extends Pick<Probe, "identity" | "context" | "sql" | "expected"> {
  got: string;
}

/** A change of what guards a table, which some cell of it has to notice. */
export interface Mutant {
  name: string;
  sql: string;
  /** The only identity that it can make a difference to. Default: any. */
  identity?: string;
}

/** How the server is asked. */
export interface Stage {
  connection: PostgresConnection;
  /** Table that the probes are about. */
  table: string;
  /** Role by identity; the session may take each. */
  roles: Readonly<Record<string, string>>;
  /** Token by identity and context. */
  tokens: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** What did not come out as expected. */
export async function differences(stage: Stage, probes: readonly Probe[]): Promise<Difference[]> {
  const [found = []] = await ask(stage, probes, [{ name: "as declared", sql: "" }], probes.length);
  return found.flatMap(({ at, got }) => {
    const probe = probes[at];
    return probe ? [{ ...probe, got }] : [];
  });
}

/** Names of the mutants that no probe has noticed. */
export async function survivors(
  stage: Stage,
  probes: readonly Probe[],
  mutants: readonly Mutant[],
): Promise<string[]> {
  const found = await ask(stage, probes, mutants, 1);
  return mutants.filter((_mutant, index) => found[index]?.length === 0).map(({ name }) => name);
}

/**
 * By mutant: the probes that came out otherwise, `most` of them. All in one round trip, for there are tens of thousands: each
 * mutant, and each probe of it, in a subtransaction of its own that is rolled back.
 */
async function ask(
  { connection, table, roles, tokens }: Stage,
  probes: readonly Probe[],
  mutants: readonly Mutant[],
  most: number,
): Promise<{ at: number; got: string }[][]> {
  const asked = {
    table,
    most,
    mutants: mutants.map(({ sql, identity }) => ({ sql, role: identity && roles[identity] })),
    probes: probes.map(({ identity, context, sql, answer, expected }) => ({
      role: roles[identity],
      token: tokens[identity]?.[context] ?? null,
      sql,
      answer,
      expected,
    })),
  };
  return connection.transaction(async () => {
    await connection.query("SELECT set_config('probe.asked', $1, true)", [JSON.stringify(asked)]);
    await connection.query(PROBE);
    const [row] = await connection.query<{ found: string }>("SELECT current_setting('probe.found') AS found");
    return JSON.parse(row?.found ?? "[]");
  });
}

const PROBE = `DO $probe$
DECLARE
  asked jsonb := current_setting('probe.asked');
  table_name text := asked ->> 'table';
  probes jsonb[] := ARRAY(SELECT jsonb_array_elements(asked -> 'probes'));
  mutant jsonb; probe jsonb; at integer; got text; wrong jsonb; found jsonb := '[]';
BEGIN
  FOR mutant IN SELECT jsonb_array_elements(asked -> 'mutants') LOOP
    wrong := '[]';
    BEGIN
      IF mutant ->> 'sql' <> '' THEN EXECUTE mutant ->> 'sql'; END IF;
      at := -1;
      FOREACH probe IN ARRAY probes LOOP
        at := at + 1;
        CONTINUE WHEN mutant ->> 'role' <> probe ->> 'role';
        -- Each is to be the first that writes in its transaction.
        PERFORM probe.forget_context();
        BEGIN
          IF probe ->> 'token' IS NOT NULL THEN
            PERFORM set_config('app.context', probe ->> 'token', true);
          END IF;
          PERFORM set_config('role', probe ->> 'role', true);
          IF probe ->> 'answer' = 'rows' THEN
            EXECUTE probe ->> 'sql' INTO got;
          ELSIF probe ->> 'answer' = 'count' THEN
            EXECUTE probe ->> 'sql';
            GET DIAGNOSTICS got = ROW_COUNT;
          ELSE
            EXECUTE probe ->> 'sql';
            got := public.probe_state(table_name);
          END IF;
          got := coalesce(got, '');
          RAISE EXCEPTION USING ERRCODE = 'UNDO0';
        EXCEPTION
          WHEN SQLSTATE 'UNDO0' THEN NULL;
          WHEN OTHERS THEN
            got := CASE
              WHEN SQLSTATE <> '42501' THEN SQLSTATE || ' ' || SQLERRM
              WHEN SQLERRM = format('new row violates row-level security policy for table "%s"', table_name)
                OR SQLERRM = format('new row violates row-level security policy (USING expression) for table "%s"', table_name)
                OR SQLERRM = format('target row violates row-level security policy (USING expression) for table "%s"', table_name)
                THEN '${VIOLATES}'
              WHEN SQLERRM = format('query would be affected by row-level security policy for table "%s"', table_name)
                THEN '${AFFECTED}'
              WHEN SQLERRM ~ '^(permission denied for (table|view|materialized view|schema|function)|must be owner of table) \\S+$' THEN '${DENIED}'
              ELSE SQLERRM END;
        END;
        IF got <> probe ->> 'expected' THEN
          wrong := wrong || jsonb_build_object('at', at, 'got', got);
          EXIT WHEN jsonb_array_length(wrong) >= (asked ->> 'most')::integer;
        END IF;
      END LOOP;
      RAISE EXCEPTION USING ERRCODE = 'UNDO0';
    EXCEPTION
      WHEN SQLSTATE 'UNDO0' THEN NULL;
    END;
    found := found || jsonb_build_array(wrong);
  END LOOP;
  PERFORM set_config('probe.found', found::text, true);
END $probe$`;
