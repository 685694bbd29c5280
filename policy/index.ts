import { PolicyPack } from "@pulumi/policy";
import { rules } from "./rules";

new PolicyPack("database-estate", { policies: rules, enforcementLevel: "mandatory" });
