import * as fs from "node:fs";
import { redisUsers } from "../estate/catalogue";
import { loadStackConfig } from "../estate/load";
import { declaredEndpoints } from "../ops/tunnel/endpoints";
import { authorizedKeys, sshdConfig } from "../ops/tunnel/grant";
import { checkout, run } from "./paths";

/**
 * The way in, as the web host's owner prepares it: files of the host by their paths, from what the local stack declares. The account is
 * in the image. They are there before the host boots: its SSH server has nothing to read anew.
 */
export function wayInFiles(): Record<string, string> {
  const config = loadStackConfig("local", checkout);
  const endpoints = declaredEndpoints(config, redisUsers);
  const publicKey = `${run.tunnelKey}.pub`;
  const lines = authorizedKeys(fs.readFileSync(publicKey, "utf8"), publicKey, endpoints);
  return {
    "etc/ssh/sshd_config.d/50-estate-tunnel.conf": sshdConfig(config.access.tunnelUser, endpoints),
    "var/lib/estate_tunnel/.ssh/authorized_keys": lines,
  };
}
