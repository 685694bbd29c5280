import { parsePlPgSQLSync } from "libpg-query";
import { quoteIdentifier } from "../../../text/postgres";
import { lineNumbers } from "../scan";
import { doBlock, functionShell } from "./bodies";
import { possibleTexts, stringOf } from "./executed";
import { list, type Node, node, part, parts, texts, visit, word } from "./nodes";
import { statementsOf } from "./parse";
import type { Deed, Fact } from "./types";

/**
 * What the statements of a PostgreSQL migration do, told by PostgreSQL's own parser: bodies of functions and DO blocks too, and
 * what they EXECUTE where that is constant or a `format` of a constant. `loadModule()` of libpg-query comes before.
 * Throws where the text is no SQL.
 */
export function postgresFacts(sql: string): Fact[] {
  const bytes = Buffer.from(sql);
  const lineOf = lineNumbers(sql);
  let [seen, letters] = [0, 0];
  return statementsOf(sql).flatMap(({ stmt, stmt_location: at = 0, stmt_len: length }) => {
    // Offsets of the parser count bytes, and begin with the blanks and comments before a statement.
    letters += bytes.subarray(seen, at).toString().length;
    seen = at;
    const text = bytes.subarray(at, length ? at + length : undefined).toString();
    const line = lineOf(letters + leading(text));
    return new Judge(line).statement(stmt, "file");
  });
}

/** Blanks and comments that the parser counts to the statement behind them. */
function leading(text: string): number {
  return /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(text)?.[0].length ?? 0;
}

/** Where a statement stands: rows and tables may change anywhere, functions come from a file alone. */
type Place = "file" | "body";

const PLAIN = new Set([
  "SelectStmt",
  "InsertStmt",
  "UpdateStmt",
  "DeleteStmt",
  "MergeStmt",
  "CreateSeqStmt",
  "AlterSeqStmt",
  "CreateEnumStmt",
  "AlterEnumStmt",
  "CompositeTypeStmt",
  "CreateDomainStmt",
  "IndexStmt",
  "CommentStmt",
  "RefreshMatViewStmt",
  "LockStmt",
  "TruncateStmt",
  "VacuumStmt",
  "ReindexStmt",
]);
/** Schemas of this program and of an extension of the server: no migration reads or changes what lies there. */
const OTHERS_SCHEMAS = new Set(["estate", "context", "cron"]);
/** The server's, which may be read. */
const CATALOGUES = new Set(["pg_catalog", "information_schema"]);
const WRITES = ["InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"];
/** Triggers of row security, which put themselves before all others: components and provider write them. */
const HELD_TRIGGER = /^context_/;
/** What a function may set for itself: none of these says who it is or which rows it sees. */
const FUNCTION_SETTINGS =
  /^(?:search_path|statement_timeout|lock_timeout|work_mem|timezone|datestyle|plan_cache_mode|jit)$/;

/** Clauses of ALTER TABLE that change columns, constraints and partitions, and nothing of who may do what. */
const ALTERS = new Set([
  "AT_AddColumn",
  "AT_DropColumn",
  "AT_ColumnDefault",
  "AT_SetNotNull",
  "AT_DropNotNull",
  "AT_AlterColumnType",
  "AT_AddConstraint",
  "AT_DropConstraint",
  "AT_ValidateConstraint",
  "AT_AddIdentity",
  "AT_DropIdentity",
  "AT_SetIdentity",
  "AT_DropExpression",
  "AT_SetStatistics",
  "AT_SetStorage",
  "AT_AttachPartition",
  "AT_DetachPartition",
  "AT_DetachPartitionFinalize",
  "AT_ReplicaIdentity",
  "AT_EnableRowSecurity",
  "AT_ForceRowSecurity",
]);
const GUARDS_OFF: Record<string, string> = {
  AT_DisableRowSecurity: "DISABLE ROW LEVEL SECURITY",
  AT_NoForceRowSecurity: "NO FORCE ROW LEVEL SECURITY",
  AT_DisableTrig: "DISABLE TRIGGER",
  AT_DisableTrigAll: "DISABLE TRIGGER ALL",
  AT_DisableTrigUser: "DISABLE TRIGGER USER",
  AT_DisableRule: "DISABLE RULE",
};

/** Of the server's own functions with these names only those that tell something, or hold a lock of the transaction. */
const OF_SERVER = /^pg_/;
const TELLING =
  /^pg_(?:get_\w+|typeof|column_size|\w+_is_visible|\w*relation_size|table_size|indexes_size|database_size|size_pretty|has_role|input_is_valid|backend_pid|is_in_recovery|(?:try_)?advisory_xact_lock(?:_shared)?)$/;
/** Of the program's functions a migration may ask whose context it is, and nothing else. */
const ASKING = /^(?:tenant|subject|role|verified)$/;
/** A function of this name would be called instead of the server's, of which this file knows what it makes. */
const SHADOWS = /^format$/;

/** Functions that run a text as SQL, or reach beyond the database. */
const EXECUTORS =
  /^(?:query_to_xml|query_to_xmlschema|query_to_xml_and_xmlschema|cursor_to_xml|cursor_to_xmlschema|(?:table|schema|database)_to_xml\w*|dblink\w*|crosstab\w*|connectby|ts_stat|ts_rewrite|lo_\w+|loread|lowrite|set_config|xpath_table)$/;

/** What an assignment of PL/pgSQL is made to: a variable, a field of it, an element of a list. */
const ASSIGNED = /^\s*(?:\w+|"(?:[^"]|"")+")(?:\.(?:\w+|"(?:[^"]|"")+")|\[[\w\s+-]*\])*\s*:?=/;

class Judge {
  private readonly facts: Fact[] = [];

  constructor(private readonly line: number) {}

  statement(stmt: Node, place: Place): Fact[] {
    const [kind = "", of] = Object.entries(stmt)[0] ?? [];
    const body = node(of) ?? {};
    this.functionsIn(stmt);
    this.selectsInto(stmt);
    this.relationsOfOthers(stmt);
    this.cascade(kind, body);
    if (kind === "CreateStmt") this.table(node(body.relation));
    else if (kind === "CreateTableAsStmt") this.tableAs(body);
    else if (kind === "ViewStmt") this.view(body);
    else if (kind === "AlterTableStmt") this.alterTable(body);
    else if (kind === "DropStmt") this.drop(body);
    else if (kind === "RenameStmt") this.rename(body);
    else if (kind === "CreateFunctionStmt" && place === "file") this.createFunction(stmt, body);
    else if (kind === "DoStmt") this.doBlock(body);
    else if (kind === "CreateSchemaStmt" && place === "file") this.schema(body);
    else if (kind === "CreateTrigStmt" && place === "file") this.trigger(body);
    else if (kind === "GrantStmt" || kind === "GrantRoleStmt") this.grant(body);
    else if (kind === "AlterDefaultPrivilegesStmt") this.grant(node(body.action) ?? {});
    else if (!PLAIN.has(kind)) this.note("unlisted", kind);
    return this.facts;
  }

  private note(does: Deed, what: string, detail?: string): void {
    this.facts.push({ line: this.line, does, what, ...(detail !== undefined && { detail }) });
  }

  private table(relation: Node | undefined): void {
    // A temporary table ends with its session.
    if (relation?.relpersistence !== "t") this.note("table", nameOf(relation));
  }

  private tableAs(body: Node): void {
    if (body.objtype === "OBJECT_MATVIEW") return;
    this.table(node(node(body.into)?.rel));
  }

  /** `SELECT .. INTO t` makes a table, wherever it stands. */
  private selectsInto(stmt: Node): void {
    for (const { node: each } of visit(stmt)) {
      const into = node(part(each, "SelectStmt")?.intoClause);
      if (into) this.table(node(into.rel));
    }
  }

  /** A schema may bring what is in it along, rights included. */
  private schema({ schemaname, authrole, schemaElts }: Node): void {
    this.ofOthers([word(schemaname)], true);
    if (authrole !== undefined) this.note("unlisted", "CREATE SCHEMA AUTHORIZATION");
    for (const each of list(schemaElts)) this.facts.push(...new Judge(this.line).statement(each, "file"));
  }

  private trigger({ trigname, relation, replace, funcname }: Node): void {
    const name = word(trigname);
    this.ofOthers(texts(funcname));
    if (HELD_TRIGGER.test(name)) this.note("guard-off", nameOf(node(relation)), `CREATE TRIGGER ${name}`);
    // The one that was there goes without a word.
    else if (replace === true)
      this.note("guard-off", `${writtenName(node(relation))}.${name}`, "CREATE OR REPLACE TRIGGER");
  }

  /** What goes along is named nowhere: policies, triggers, views. */
  private cascade(kind: string, { behavior, cmds }: Node): void {
    const all = [behavior, ...parts(cmds, "AlterTableCmd").map((command) => command.behavior)];
    if (all.includes("DROP_CASCADE")) this.note("unlisted", `${kind.replace(/Stmt$/, "")} with CASCADE`);
  }

  private relationsOfOthers(stmt: Node): void {
    for (const { node: each } of visit(stmt)) {
      if (typeof each.relname === "string") this.ofOthers([word(each.schemaname ?? ""), each.relname]);
      for (const kind of WRITES) {
        const written = node(part(each, kind)?.relation);
        const [schema, name = ""] = [word(written?.schemaname ?? ""), word(written?.relname ?? "")];
        if (CATALOGUES.has(schema) || (schema === "" && name.startsWith("pg_")))
          this.note("unlisted", `a change of ${name}, which is the server's`);
      }
    }
  }

  private ofOthers(names: readonly string[], isSchema = false): void {
    const schema = names.length > 1 || isSchema ? names[0] : undefined;
    if (schema !== undefined && (OTHERS_SCHEMAS.has(schema) || (isSchema && CATALOGUES.has(schema))))
      this.note("unlisted", `${names.join(".")}, which is not the database owner's`);
  }

  private view(body: Node): void {
    const options = parts(body.options, "DefElem");
    const invoker = options.filter(({ defname }) => word(defname) === "security_invoker");
    if (invoker.length !== 1 || !isOn(invoker[0])) this.note("view-as-owner", nameOf(node(body.view)));
  }

  private alterTable(body: Node): void {
    const name = nameOf(node(body.relation));
    for (const each of list(body.cmds)) {
      const command = part(each, "AlterTableCmd") ?? {};
      const subtype = word(command.subtype);
      const off = GUARDS_OFF[subtype];
      if (off) this.note("guard-off", name, off);
      else if (subtype === "AT_SetRelOptions" || subtype === "AT_ResetRelOptions") {
        this.relationOptions(name, subtype, command);
      } else if (!ALTERS.has(subtype))
        this.note("unlisted", `ALTER of ${name}: ${subtype.replace(/^AT_/, "")}`);
    }
  }

  private relationOptions(name: string, subtype: string, command: Node): void {
    const options = parts(part(node(command.def), "List")?.items, "DefElem");
    for (const option of options) {
      if (word(option.defname) !== "security_invoker") continue;
      if (subtype === "AT_ResetRelOptions" || !isOn(option)) this.note("view-as-owner", name);
    }
  }

  private drop({ removeType, objects }: Node): void {
    const names = list(objects).map((each) => qualified(namesOf(each)));
    for (const each of list(objects)) this.ofOthers(namesOf(each), removeType === "OBJECT_SCHEMA");
    if (removeType === "OBJECT_TRIGGER")
      for (const name of names) this.note("guard-off", name, "DROP TRIGGER");
    if (removeType === "OBJECT_TABLE") for (const name of names) this.note("table-gone", name);
    if (removeType === "OBJECT_POLICY") for (const name of names) this.note("guard-off", name, "DROP POLICY");
  }

  private rename({ renameType, relation, newname }: Node): void {
    if (renameType === "OBJECT_TABLE") {
      const from = nameOf(node(relation));
      this.note("table-gone", from);
      this.note("table", qualified([from.split(".")[0] as string, word(newname)]));
    } else if (!["OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_INDEX"].includes(word(renameType))) {
      this.note("unlisted", `RENAME of ${word(renameType).replace(/^OBJECT_/, "")}`);
    }
  }

  private createFunction(stmt: Node, body: Node): void {
    const name = texts(body.funcname).join(".");
    const options = parts(body.options, "DefElem");
    const option = (wanted: string) => options.find(({ defname }) => word(defname) === wanted)?.arg;
    const language = part(node(option("language")), "String")?.sval ?? "sql";
    if (language !== "sql" && language !== "plpgsql")
      this.note("unlisted", `${name}: LANGUAGE ${word(language)}`);
    this.ofOthers(texts(body.funcname));
    if (SHADOWS.test(texts(body.funcname).at(-1) ?? ""))
      this.note("unlisted", `${name}, which is called instead of the server's`);
    for (const setting of settingsIn(options)) {
      if (!FUNCTION_SETTINGS.test(setting)) this.note("unlisted", `${name}: SET ${setting}`);
    }
    for (const schema of searchPath(options).split(", ")) {
      if (OTHERS_SCHEMAS.has(schema)) this.note("unlisted", `${name}: names are looked for in ${schema}`);
    }
    if (isTrue(option("leakproof"))) this.note("leakproof", name);
    if (isTrue(option("security"))) this.note("definer", name, searchPath(options));
    const text = texts(part(node(option("as")), "List")?.items)[0];
    if (language === "plpgsql") this.block(functionShell(stmt, text ?? ""), "function");
    else if (language === "sql" && text !== undefined) this.statements(text);
    for (const { node: each } of visit(node(body.sql_body) ?? {})) {
      const [kind] = Object.keys(each);
      if (kind?.endsWith("Stmt")) this.inBody(each);
    }
  }

  private statements(sql: string): void {
    let parsed: ReturnType<typeof statementsOf>;
    try {
      parsed = statementsOf(sql);
    } catch {
      this.note("dynamic", "a text that is no SQL by itself");
      return;
    }
    for (const { stmt } of parsed) this.inBody(stmt);
  }

  private inBody(stmt: Node): void {
    this.facts.push(...new Judge(this.line).statement(stmt, "body"));
  }

  private doBlock(body: Node): void {
    const sql = doBlock(body);
    if (sql === undefined) this.note("unlisted", "DO in another language");
    else this.block(sql, "do");
  }

  /** The statements of a PL/pgSQL body, those it EXECUTEs included. */
  private block(sql: string, of: "do" | "function"): void {
    let tree: unknown;
    try {
      tree = parsePlPgSQLSync(sql);
    } catch {
      this.note("dynamic", "a body that is no PL/pgSQL");
      return;
    }
    for (const { node: each } of visit({ tree } as Node)) {
      for (const [kind, value] of Object.entries(each)) {
        const stmt = node(value);
        if (!stmt) continue;
        if (kind === "PLpgSQL_stmt_execsql") this.statements(queryOf(stmt.sqlstmt));
        else if (kind === "PLpgSQL_stmt_commit" || kind === "PLpgSQL_stmt_rollback")
          this.note("unlisted", "COMMIT or ROLLBACK in a body");
        else if (kind === "PLpgSQL_stmt_dynexecute" || kind === "PLpgSQL_stmt_dynfors")
          this.executed(queryOf(stmt.query), of);
        else if (kind === "PLpgSQL_stmt_return_query" || kind === "PLpgSQL_stmt_open") {
          if (stmt.dynquery) this.executed(queryOf(stmt.dynquery), of);
        } else if (kind === "PLpgSQL_expr") this.expression(stmt);
      }
    }
  }

  /** Queries and values: what they call counts, too. */
  private expression({ query, parseMode }: Node): void {
    const text = word(query);
    // 0: a statement, 2: an expression, from 3 on: an assignment, by the number of its target's names.
    const sql =
      parseMode === 0 ? text : `SELECT ${Number(parseMode) > 2 ? text.replace(ASSIGNED, "") : text}`;
    try {
      for (const { stmt } of statementsOf(sql)) {
        this.functionsIn(stmt);
        this.relationsOfOthers(stmt);
      }
    } catch {
      this.note("dynamic", `an expression that is no SQL by itself (${text})`);
    }
  }

  /**
   * What EXECUTE is given. A constant is judged as it is. In a function, a `format` of a constant may put names and values
   * (%I, %L) anywhere and a variable for %s where one name may stand: whatever else the text would become, nobody can say.
   */
  private executed(expression: string, of: "do" | "function"): void {
    const possible = possibleTexts(expression, of);
    if (!possible) this.note("dynamic", "EXECUTE of a text that is put together while it runs");
    for (const sql of possible ?? []) this.statements(sql);
  }

  private functionsIn(stmt: Node): void {
    for (const { node: each } of visit(stmt)) {
      const call = part(each, "FuncCall");
      if (call) this.called(texts(call.funcname));
    }
  }

  private called(names: readonly string[]): void {
    const name = names.at(-1) ?? "";
    const schema = names.length > 1 ? (names[0] ?? "") : "";
    if (EXECUTORS.test(name) || (OF_SERVER.test(name) && !TELLING.test(name)))
      this.note("dynamic", `${name}(), which runs a text or reaches beyond the database`);
    if (OTHERS_SCHEMAS.has(schema) && !(schema === "context" && ASKING.test(name)))
      this.note("unlisted", `${schema}.${name}(), which is not the database owner's`);
  }

  private grant(body: Node): void {
    if (body.is_grant === false) return;
    const to = list(body.grantees ?? body.grantee_roles).map((each) => {
      const role = part(each, "RoleSpec");
      return role?.roletype === "ROLESPEC_PUBLIC" ? "PUBLIC" : word(role?.rolename ?? role?.roletype);
    });
    this.note("grant", word(body.objtype ?? "a role").replace(/^OBJECT_/, ""), to.join(", "));
  }
}

function queryOf(of: unknown): string {
  return word(part(node(of), "PLpgSQL_expr")?.query);
}

function setsOf(options: readonly Node[]): Node[] {
  return parts(
    options.flatMap(({ defname, arg }) => (defname === "set" ? [arg] : [])),
    "VariableSetStmt",
  );
}

function settingsIn(options: readonly Node[]): string[] {
  return setsOf(options).map(({ name }) => word(name).toLowerCase());
}

function searchPath(options: readonly Node[]): string {
  // A later SET wins.
  const path = setsOf(options)
    .filter(({ name }) => word(name).toLowerCase() === "search_path")
    .at(-1);
  // `'public, pg_temp'` is one schema of that name.
  return list(path?.args)
    .map((value) => stringOf(value) ?? "?")
    .map((schema) => (/^[\w$?]+$/.test(schema) ? schema : quoteIdentifier(schema)))
    .join(", ");
}

/** Of what is dropped: a list, a function with its arguments, or one name. */
function namesOf(object: Node): string[] {
  const single = part(object, "String");
  if (single) return [word(single.sval)];
  return texts(part(object, "List")?.items ?? part(object, "ObjectWithArgs")?.objname);
}

function isOn(option: Node | undefined): boolean {
  const { arg } = option ?? {};
  if (arg === undefined) return true;
  const value = word(
    part(node(arg), "String")?.sval ??
      part(node(arg), "Integer")?.ival ??
      part(node(arg), "Boolean")?.boolval,
  );
  return /^(?:true|on|yes|1)$/i.test(value);
}

function isTrue(arg: unknown): boolean {
  return part(node(arg), "Boolean")?.boolval === true;
}

/** As it is written, like the name of what is dropped. */
function writtenName(relation: Node | undefined): string {
  return [word(relation?.schemaname ?? ""), word(relation?.relname ?? "")].filter(Boolean).join(".");
}

/** With its schema: a name without one goes to public, where the search_path of a migration points. */
function nameOf(relation: Node | undefined): string {
  return qualified([word(relation?.schemaname ?? ""), word(relation?.relname ?? "")].filter(Boolean));
}

function qualified(names: string[]): string {
  return (names.length > 1 ? names : ["public", ...names]).join(".");
}
