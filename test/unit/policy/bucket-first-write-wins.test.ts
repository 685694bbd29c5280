import { bucketPolicy, writerPolicy } from "../../../components/plans/backup-bucket";
import { bucketFirstWriteWins } from "../../../policy/rules/bucket-first-write-wins";
import { unknown, verifyRule } from "../../support/policy";

const retention = {
  localDays: 30,
  dailyDays: 90,
  queueDays: 30,
  recoveryDays: 30,
  noncurrentDays: 14,
  lockDays: 30,
  erasureDays: 180,
};
const ends = { bucket: "arn:aws:s3:::b", key: "arn:k", region: "eu-central-1" };
const writers = [{ host: "mariadb", arn: "arn:m" }] as const;

interface Statement {
  Sid: string;
  [field: string]: unknown;
}
/** The policy with one statement changed; undefined takes it away. */
const changed = (policy: string, sid: string, change: object | undefined) => {
  const { Statement, ...rest } = JSON.parse(policy) as { Statement: Statement[] };
  const all = Statement.flatMap((each) =>
    each.Sid !== sid ? [each] : change ? [{ ...each, ...change }] : [],
  );
  return { policy: JSON.stringify({ ...rest, Statement: all }) };
};

const user = writerPolicy(ends, "mariadb", retention);
const open = ["Statement[0] allows s3:PutObject without the condition that nothing is there"];
verifyRule(bucketFirstWriteWins, { type: "aws:iam/userPolicy:UserPolicy", props: { policy: user } }, [
  { clause: "no condition", props: changed(user, "Put", { Condition: undefined }), says: open },
  {
    clause: "the condition turned round",
    props: changed(user, "Put", { Condition: { Null: { "s3:if-none-match": "true" } } }),
    says: open,
  },
  {
    clause: "another header",
    props: changed(user, "Put", { Condition: { Null: { "s3:if-match": "false" } } }),
    says: open,
  },
  ...["s3:*", "*", "s3:Put*", "S3:putobject", ["s3:GetObject", "s3:PutObject"]].map((Action) => ({
    clause: `the action ${Action}`,
    props: changed(user, "Put", { Action, Condition: undefined }),
    says: open,
  })),
  {
    clause: "all actions but some",
    props: changed(user, "Put", { Action: undefined, NotAction: "s3:GetObject", Condition: undefined }),
    says: open,
  },
  { clause: "nothing of who only reads", props: changed(user, "Put", { Action: "s3:GetObject" }), says: [] },
  { clause: "nothing where it is not known yet", props: { policy: unknown }, says: [] },
]);

const bucket = bucketPolicy({ ...ends, writers, retention });
const replaced = ["policy: arn:m can replace what is there"];
const sid = "WritersNeverReplace";
verifyRule(bucketFirstWriteWins, { type: "aws:s3/bucketPolicy:BucketPolicy", props: { policy: bucket } }, [
  { clause: "no refusal", props: changed(bucket, sid, undefined), says: replaced },
  {
    clause: "a refusal of others",
    props: changed(bucket, sid, { Principal: { AWS: "arn:x" } }),
    says: replaced,
  },
  {
    clause: "a refusal of another action",
    props: changed(bucket, sid, { Action: "s3:GetObject" }),
    says: replaced,
  },
  { clause: "an allowance", props: changed(bucket, sid, { Effect: "Allow" }), says: replaced },
  {
    clause: "a part of the bucket",
    props: changed(bucket, sid, { Resource: "arn:aws:s3:::b/x" }),
    says: replaced,
  },
  {
    clause: "the condition turned round",
    props: changed(bucket, sid, { Condition: { Null: { "s3:if-none-match": "false" } } }),
    says: replaced,
  },
  {
    clause: "an exemption of uploads in several parts",
    props: changed(bucket, sid, {
      Condition: { Null: { "s3:if-none-match": "true" }, Bool: { "s3:ObjectCreationOperation": "true" } },
    }),
    says: replaced,
  },
  { clause: "nothing where everybody is refused", props: changed(bucket, sid, { Principal: "*" }), says: [] },
  {
    clause: "nothing where nobody writes",
    props: { policy: bucketPolicy({ ...ends, writers: [], retention }) },
    says: [],
  },
]);
