/**
 * The resource classes of the provider `estate`, as a program uses them. What each does on the server, with its
 * checks and errors, is documented beside the kind of the same name in `kinds/`.
 */
export * from "./catalogue";
export * from "./client-certificate";
export * from "./github";
export * from "./host";
export * from "./jobs";
export * from "./mariadb";
export * from "./postgres";
export * from "./redis";
export * from "./rotation";
export * from "./row-security";
export * from "./server";
export * from "./sql";
