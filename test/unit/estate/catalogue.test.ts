import { describe, expect, it } from "vitest";
import { databases } from "../../../estate/catalogue";
import { loginSlots, passwordSecretName, serviceUser } from "../../../estate/naming";

describe("the catalogue", () => {
  it("gives mcp_portal what its design asks for", () => {
    expect(databases.find(({ name }) => name === "mcp_portal")).toMatchObject({
      owner: "mcp_admin",
      encoding: "UTF8",
      locale: "en_US.utf8",
      databaseConnectionLimit: 100,
      extensions: ["uuid-ossp", "pgcrypto", "pg_stat_statements"],
    });
  });
});

describe("names", () => {
  it.each([
    ["mo_crm", "svc_crm"],
    ["mo_api_stg", "svc_api_stg"],
    ["mcp_portal", "svc_mcp_portal"],
  ])("%s is served by %s", (database, service) => expect(serviceUser(database)).toBe(service));

  it("keeps the secret names the applications' deployments read", () => {
    expect(passwordSecretName("mariadb", "mo_crm")).toBe("MO_CRM_DB_PASS");
    expect(passwordSecretName("postgres", "mo_idp")).toBe("PG_IDP_DB_PASS");
    expect(passwordSecretName("postgres", "mcp_portal")).toBe("PG_MCP_PORTAL_DB_PASS");
  });

  it("names two login slots", () => {
    expect(loginSlots("svc_idp")).toEqual(["svc_idp_a", "svc_idp_b"]);
  });
});
