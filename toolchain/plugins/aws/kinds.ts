import type { AnyKind } from "../../../provider/wire/kind";
import { bucket } from "./bucket";
import { lifecycle } from "./bucket-lifecycle";
import { replication } from "./bucket-replication";
import {
  bucketPolicy,
  encryption,
  objectLock,
  ownershipControls,
  publicAccessBlock,
  versioning,
} from "./bucket-settings";
import { role, rolePolicy, user, userPolicy } from "./iam";
import { accessKey } from "./iam-access-key";
import { alias, key } from "./kms";

export const kinds: AnyKind[] = [
  bucket,
  bucketPolicy,
  encryption,
  lifecycle,
  objectLock,
  ownershipControls,
  publicAccessBlock,
  replication,
  versioning,
  key,
  alias,
  user,
  userPolicy,
  accessKey,
  role,
  rolePolicy,
];
