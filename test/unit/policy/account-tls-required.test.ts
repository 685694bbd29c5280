import { accountTlsRequired } from "../../../policy/rules/account-tls-required";
import { verifyRule } from "../../support/policy";

const good = {
  type: "estate:mariadb:Account",
  props: {
    user: "svc_crm",
    host: "10.0.0.5",
    otherHosts: ["localhost"],
    require: "SSL",
    maxUserConnections: 20,
    grants: [{ database: "mo_crm", privileges: ["SELECT", "CREATE TEMPORARY TABLES"] }],
  },
};

verifyRule(accountTlsRequired, good, [
  {
    clause: "NONE",
    props: { require: "NONE" },
    says: ['require is "NONE": the password may cross the network in clear. Use "SSL" or "X509"'],
  },
  {
    clause: "nothing required",
    props: { require: undefined },
    says: ['require is not set: the password may cross the network in clear. Use "SSL" or "X509"'],
  },
]);

verifyRule(accountTlsRequired, { ...good, props: { require: "X509" } }, []);

const own = { subject: "/CN=svc_crm", issuer: "/CN=clients of svc_crm" };
verifyRule(accountTlsRequired, { ...good, props: { require: own } }, [
  {
    clause: "a subject without its issuer",
    props: { require: { subject: own.subject } },
    says: ["require names half of a certificate. Give both subject and issuer"],
  },
  {
    clause: "an issuer without a subject",
    props: { require: { issuer: own.issuer } },
    says: ["require names half of a certificate. Give both subject and issuer"],
  },
]);
