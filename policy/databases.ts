import { MARIADB_DATABASE, POSTGRES_DATABASE } from "./kinds";
import type { Standing } from "./rule";

export interface Database {
  resource: Standing;
  name: string;
}

/** While its provider cannot be configured yet, a preview shows nothing of a database: then its resource tells its name. */
export function databasesOf(resources: readonly Standing[]): Database[] {
  return resources
    .filter(({ type }) => type === MARIADB_DATABASE || type === POSTGRES_DATABASE)
    .map((resource) => {
      const { name } = resource.props;
      return { resource, name: typeof name === "string" ? name : resource.name.replace(/-database$/, "") };
    });
}
