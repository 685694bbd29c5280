import { ESTATE_PROVIDER, LOCAL_COMMAND, MACHINE, REMOTE_COMMAND } from "../kinds";
import { isUnknown, object, parsed, type Value } from "../plain";
import { type Declared, resourceRule } from "../rule";
import { isPreview } from "../run";

export const connectionHostPinned = resourceRule({
  name: "connection-host-pinned",
  description: "A host is known by its pinned key, and logged in to with a key that is sealed.",
  severity: "critical",
  remediationSteps: "Name a file with the hosts' keys in `access.knownHosts` of the stack.",
  types: [REMOTE_COMMAND, LOCAL_COMMAND, ESTATE_PROVIDER, MACHINE],
  *faults(resource) {
    const { type, props } = resource;
    if (type === MACHINE) {
      if (!isPinned(props.hostKey) && !isLater(resource, "hostKey")) yield unpinned("hostKey");
      return;
    }
    const property = type === ESTATE_PROVIDER ? "ssh" : "connection";
    const connection = parsed(props[property]);
    if (connection === undefined || isUnknown(connection)) return;
    const { hostKey, privateKey, password } = object(connection);
    if (!isPinned(hostKey) && !isLater(resource, property, `${property}.hostKey`))
      yield unpinned(`${property}.hostKey`);
    if (password !== undefined) yield `${property}.password is set. Log in with a key`;
    if (privateKey !== undefined && !isUnknown(privateKey) && !isSealed(resource, property)) {
      yield `${property}.privateKey is not sealed. Give it as a secret`;
    }
  },
});

function unpinned(path: string): string {
  return `${path} is not set, so whoever answers at the address is taken for the host. Pin its key`;
}

function isPinned(key: Value): boolean {
  return (
    isUnknown(key) || /^(?:ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+$/.test(String(key).trim())
  );
}

/** A preview connects to nothing; a program that does not know the key there keeps the one that was. */
function isLater({ opts }: Declared, ...paths: string[]): boolean {
  return isPreview() && opts.ignoreChanges.some((path) => paths.includes(path));
}

function isSealed({ sealed }: Declared, property: string): boolean {
  return sealed(property) || sealed(`${property}.privateKey`);
}
