import { serveProvider } from "../../../provider/wire/server";
import { Aws, explain } from "./clients";
import { awsConfig, checkConfig } from "./config";
import { kinds } from "./kinds";

// The SDK's news about coming versions of Node are no business of who runs `up`.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

/** Stand-in of @pulumi/aws: buckets with their settings, KMS keys, IAM users and roles. */
serveProvider<Aws>({
  name: "aws",
  version: "7.48.0",
  kinds,
  secretConfig: ["accessKey", "secretKey", "token"],
  checkConfig,
  configure: (inputs) => new Aws(awsConfig(inputs)),
  close: (aws) => aws.close(),
  explain,
}).catch((error: unknown) => {
  process.stderr.write(`the plugin "aws" cannot start: ${String(error)}\n`);
  process.exit(1);
});
