import * as fs from "node:fs";
import { attempt, must } from "./command";
import { type LabHost, operator } from "./hosts";
import { mounts } from "./mounts";
import { run } from "./paths";

/** Namespaces of the lab carry this prefix, and nothing else may. */
export const namespacePrefix = "estate-";

/** The bridge has a namespace of its own, where the machine's firewall rules do not reach it. */
const switchNamespace = `${namespacePrefix}switch`;

/** The operator's end; the only interface of the lab in the root namespace. */
export const operatorInterface = "estate0";

export function namespaceOf(host: LabHost): string {
  return `${namespacePrefix}${host.name}`;
}

/** The file that stands for a namespace, for `nsenter --net=`. */
export function namespaceFile(host: LabHost): string {
  return `/run/netns/${namespaceOf(host)}`;
}

/** Builds the bridge and the operator's end of it, as far as they are not there yet. */
export async function ensureSwitch(): Promise<void> {
  // iproute2 mounts /run/netns at its first namespace; whoever caused that takes it away again.
  if (!mounts().some(({ target }) => target === "/run/netns")) fs.writeFileSync(run.madeNetnsMount, "");
  const names = await namespaces();
  if (names.includes(switchNamespace) && (await interfaceExists(operatorInterface))) return;
  await removeSwitch();
  await must("ip", ["netns", "add", switchNamespace]);
  await batch(switchNamespace, ["link add name bridge type bridge", "link set dev bridge up"]);
  await batch(undefined, [
    `link add name ${operatorInterface} type veth peer name operator netns ${switchNamespace}`,
    ...addresses(operatorInterface, operator.ipv4, operator.ipv6),
    `link set dev ${operatorInterface} up`,
  ]);
  await batch(switchNamespace, ["link set dev operator master bridge up"]);
}

/**
 * Gives a host a network as a machine has it that was just switched on: cable and addresses, no firewall rule of an
 * earlier life, no route that leads out. The host must be off.
 */
export async function renewHostNetwork(host: LabHost): Promise<void> {
  const namespace = namespaceOf(host);
  // Cable first: with its namespace it would go only some time after the command.
  await attempt("ip", ["-n", switchNamespace, "link", "del", "dev", host.name]);
  await removeNamespace(namespace);
  await must("ip", ["netns", "add", namespace]);
  await batch(switchNamespace, [
    `link add name ${host.name} type veth peer name eth0 address ${hardwareAddress(host)} netns ${namespace}`,
    `link set dev ${host.name} master bridge up`,
  ]);
  await batch(namespace, [
    "link set dev lo up",
    ...addresses("eth0", host.ipv4, host.ipv6),
    "link set dev eth0 up",
  ]);
}

/** A host's MAC address: of the range for local use, and the same in every life: neighbours remember it for a while. */
export function hardwareAddress(host: LabHost): string {
  const octets = host.ipv4.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  return ["02", "00", ...octets].join(":");
}

function addresses(device: string, ipv4: string, ipv6: string): string[] {
  const v4 = `address add ${ipv4}/${operator.prefix4} dev ${device}`;
  // nodad: the address answers at once; nobody else gives addresses here.
  const v6 = `address add ${ipv6}/${operator.prefix6} dev ${device} nodad`;
  return fs.existsSync("/proc/net/if_inet6") ? [v4, v6] : [v4];
}

function batch(namespace: string | undefined, lines: readonly string[]): Promise<string> {
  const where = namespace ? ["-n", namespace] : [];
  return must("ip", [...where, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

/** The lab's network namespaces that exist. */
export async function namespaces(): Promise<string[]> {
  const { stdout } = await attempt("ip", ["netns", "list"]);
  return stdout
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => name.startsWith(namespacePrefix));
}

/** Removes a namespace if it exists; its interfaces go with it. */
export async function removeNamespace(name: string): Promise<void> {
  if ((await namespaces()).includes(name)) await must("ip", ["netns", "del", name]);
}

async function removeSwitch(): Promise<void> {
  await removeNamespace(switchNamespace);
  await removeOperatorInterface();
}

/** An interface outlives its peer's namespace for a moment; this does not wait for that. */
export async function removeOperatorInterface(): Promise<boolean> {
  return (await attempt("ip", ["link", "del", "dev", operatorInterface])).code === 0;
}

export async function interfaceExists(name: string): Promise<boolean> {
  return (await attempt("ip", ["link", "show", "dev", name])).code === 0;
}
