import { PolicyPack } from "@pulumi/policy";
import { loadModule } from "libpg-query";
import "./run";
import { rules } from "./rules";
import "./seals";

/** Rules parse SQL; the parser is WebAssembly, and a rule does not wait. */
loadModule().then(
  () => new PolicyPack("database-estate", { policies: rules, enforcementLevel: "mandatory" }),
);
