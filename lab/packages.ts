/** What the machine images and the package mirror hold. Everything here comes from Debian. */

/** A blank host: what a freshly rented Debian 13 server has, with sshd. */
export const blankPackages = [
  "systemd",
  "systemd-sysv",
  "dbus",
  "openssh-server",
  "iproute2",
  "ca-certificates",
  "sudo",
  "python3-minimal",
];

/** What a blank host can install from its mirror: everything the components ask for, with what that needs. */
export const mirrorPackages = [
  "mariadb-server",
  "mariadb-client",
  "mariadb-backup",
  "postgresql-17",
  "postgresql-17-cron",
  "postgresql-17-pgaudit",
  "postgresql-17-partman",
  "postgresql-17-pgtap",
  "postgresql-contrib",
  "pgbouncer",
  "pgbackrest",
  "redis-server",
  "ufw",
  "nftables",
  "openssl",
  "locales",
  "curl",
  "age",
  "zstd",
  "jq",
  "openssh-server",
  "cron",
  "ca-certificates",
  "sudo",
  "rsync",
];

/** S3, KMS and IAM for the lab. Moto imports flask_cors and yaml as a server, which its package does not depend on. */
export const cloudPackages = ["python3-moto", "python3-flask-cors", "python3-yaml", "openssl", "ufw"];

/** GitHub's API beside it: a bundle for Node, and what tests steer it with. */
export const githubPackages = ["nodejs", "curl"];

/** An attacker's tools. */
export const strangerPackages = [
  "mariadb-client",
  "postgresql-client",
  "redis-tools",
  "nmap",
  "netcat-openbsd",
  "openssl",
];

/** The web host: Debian 12, with MariaDB 10.11 and what its backups need. */
export const webPackages = [
  ...blankPackages,
  "mariadb-server",
  "mariadb-backup",
  "openssl",
  "age",
  "zstd",
  "jq",
  "curl",
  "rsync",
  "cron",
  "ufw",
];
