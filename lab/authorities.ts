import * as fs from "node:fs";
import * as path from "node:path";
import { run } from "./paths";

/** Has the operator's programs trust a certificate of one of the lab's own services, beside those of the machine. */
export function trust(service: string, certificate: string): void {
  fs.mkdirSync(run.tls, { recursive: true, mode: 0o700 });
  replace(path.join(run.tls, `${service}.pem`), certificate);
  const all = fs.readdirSync(run.tls).filter((name) => name.endsWith(".pem") && name !== bundleName);
  const texts = all.sort().map((name) => fs.readFileSync(path.join(run.tls, name), "utf8").trimEnd());
  replace(run.authorities, `${texts.join("\n")}\n`);
}

const bundleName = path.basename(run.authorities);

function replace(file: string, text: string): void {
  fs.writeFileSync(`${file}.new`, text);
  fs.renameSync(`${file}.new`, file);
}
