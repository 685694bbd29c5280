/**
 * What the SSH server of a provisioned host must do, by the names that `sshd -T` prints: in by key alone, and nothing through it but
 * commands and files. No host is a way to another. OpenSSH 9.2 (Debian 12) and newer know all of it.
 */
export const SSHD_SETTINGS = {
  permitrootlogin: "without-password",
  pubkeyauthentication: "yes",
  passwordauthentication: "no",
  kbdinteractiveauthentication: "no",
  hostbasedauthentication: "no",
  gssapiauthentication: "no",
  permitemptypasswords: "no",
  permituserenvironment: "no",
  permituserrc: "no",
  strictmodes: "yes",
  allowtcpforwarding: "no",
  allowstreamlocalforwarding: "no",
  allowagentforwarding: "no",
  x11forwarding: "no",
  permittunnel: "no",
  gatewayports: "no",
  logingracetime: "30",
  kexalgorithms: "sntrup761x25519-sha512@openssh.com,curve25519-sha256,curve25519-sha256@libssh.org",
  ciphers: "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com",
  macs: "hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com",
} as const;
