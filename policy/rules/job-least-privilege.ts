import { JOBS } from "../kinds";
import { isUnknown, object, show } from "../plain";
import { isOwnDatabase, isReservedSchema, ownersOf } from "../roles";
import { resourceRule } from "../rule";

const CALL = /^([a-z_][a-z0-9_]*)\.[a-z_][a-z0-9_]*\(\)$/;
/** Minute, hour, day of month, month, day of week. */
const SCHEDULE = /^(?:[\d*,/-]+ ){4}[\d*,/-]+$/;

export const jobLeastPrivilege = resourceRule({
  name: "job-least-privilege",
  description:
    "A job calls one function without arguments, as the owner of its tables and never as the admin.",
  severity: "critical",
  remediationSteps: "Put the work into a function of a migration and name it: estate/jobs.ts.",
  types: [JOBS],
  *faults({ props }) {
    for (const [name, job] of Object.entries(object(props.jobs))) {
      const { call, runAs, schedule } = object(job);
      if (!isUnknown(schedule) && !SCHEDULE.test(String(schedule)))
        yield `jobs["${name}"].schedule is ${show(schedule)}. Write five fields: 0 2 * * *`;
      const [, schema] = CALL.exec(String(call)) ?? [];
      if (!isUnknown(call) && (schema === undefined || isReservedSchema(schema))) {
        yield `jobs["${name}"].call is ${show(call)}. Name one function of a schema, without arguments`;
      }
      const [database = "", ...rest] = name.split("/");
      if (!isOwnDatabase(database) || rest.length !== 1)
        yield `jobs["${name}"] is in no service's database. Name it database/job`;
      const [, owner] = ownersOf(database);
      if (!isUnknown(runAs) && runAs !== owner)
        yield `jobs["${name}"].runAs is ${show(runAs)}. Name the owner of the tables, ${owner}`;
    }
  },
});
