import { startSecuredDatabase, PROJECT, TENANT } from "./row-security/database";
import { operations } from "./row-security/operations";
import { median } from "./row-security/measure";
delete process.env.ALL_PROXY;
(async () => {
  const db = await startSecuredDatabase();
  try {
    const [{ id } = { id: "" }] = await db.plain.query<{ id: string }>("SELECT id FROM public.tasks WHERE organization_id = $1 AND project_id = $2 ORDER BY id LIMIT 1", [TENANT, PROJECT]);
    for (const op of operations(id)) {
      for (const side of ["plain", "guarded"] as const) {
        const c = db[side]; const P: number[] = [], X: number[] = []; 
        for (let i = 0; i < 15; i++) {
          await c.query("BEGIN");
          if (side === "guarded") for (const s of db.context) await c.query(s);
          const [r] = await c.query<any>(`EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${op[side]}`);
          P.push(r["QUERY PLAN"][0]["Planning Time"]); X.push(r["QUERY PLAN"][0]["Execution Time"]);
          await c.query("ROLLBACK");
        }
        console.log(op.kind, op.size, side, "plan", median(P).toFixed(3), "exec", median(X).toFixed(3));
      }
      if (/UPDATE/.test(op.kind)) { await db.plain.query("BEGIN"); await db.plain.query("ROLLBACK"); }
    }
    for (const k of ["UPDATE"]) {
      const op = operations(id).find((o) => o.kind === k && o.size === "page")!;
      await db.guarded.query("BEGIN"); for (const s of db.context) await db.guarded.query(s);
      for (const r of await db.guarded.query<any>(`EXPLAIN (ANALYZE, VERBOSE, BUFFERS) ${op.guarded}`)) console.log(r["QUERY PLAN"]);
      await db.guarded.query("ROLLBACK");
      for (const r of await db.plain.query<any>(`EXPLAIN (VERBOSE) ${op.plain}`)) console.log(r["QUERY PLAN"]);
    }
    // prepared
    const sel = operations(id).find((o) => o.kind === "SELECT" && o.size === "row")!;
    for (const side of ["plain", "guarded"] as const) {
      const c = db[side];
      await c.query("BEGIN"); if (side === "guarded") for (const s of db.context) await c.query(s);
      await c.query(`PREPARE q AS ${sel[side]}`);
      const T: number[] = [], U: number[] = [], S: number[] = [];
      for (let i = 0; i < 200; i++) { let t = performance.now(); await c.query("EXECUTE q"); T.push(performance.now() - t); t = performance.now(); await c.query(sel[side]); U.push(performance.now() - t); t = performance.now(); await c.query("SELECT 1"); S.push(performance.now() - t); }
      console.log(side, "prepared", median(T).toFixed(3), "text", median(U).toFixed(3), "select 1", median(S).toFixed(3));
      await c.query("ROLLBACK");
    }
  } finally { await db.stop(); }
})();
