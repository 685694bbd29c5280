/** Without types of its own: what connect/contained.ts takes of it. */
declare module "ioredis/built/DataHandler.js" {
  const DataHandler: { prototype: object };
  export default DataHandler;
}
