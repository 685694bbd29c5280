/** Type tokens of the resources that rules look at. */

export const MARIADB_DATABASE = "estate:mariadb:Database";
export const MARIADB_ACCOUNT = "estate:mariadb:Account";
export const POSTGRES_DATABASE = "estate:postgres:Database";
export const POSTGRES_ROLE = "estate:postgres:Role";
/** Of @pulumi/postgresql. */
export const OFFICIAL_ROLE = "postgresql:index/role:Role";
export const POSTGRES_LOGIN = "estate:postgres:Login";
export const POSTGRES_ACCESS = "estate:postgres:Access";
export const ROW_SECURITY = "estate:postgres:RowSecurity";
export const REDIS_USER = "estate:redis:User";
export const MIGRATIONS = "estate:sql:Migrations";
export const ROTATION_SCHEDULE = "estate:rotation:Schedule";
export const RETIREMENT = "estate:rotation:Retirement";
export const CLIENT_CERTIFICATE = "estate:tls:ClientCertificate";
export const FIREWALL = "estate:host:Firewall";
export const SERVER_SETTINGS = "estate:host:ServerSettings";
export const REDIS_INSTANCE = "estate:host:RedisInstance";
export const BACKUP_AGENT = "estate:host:BackupAgent";
export const MACHINE = "estate:host:Machine";
export const SERVER_CERTIFICATE = "estate:host:Certificate";
export const JOBS = "estate:postgres:Jobs";
export const ROSTER = "estate:catalogue:Roster";
export const GITHUB_PROVIDER = "pulumi:providers:github";
export const ESTATE_PROVIDER = "pulumi:providers:estate";

export const RANDOM_PASSWORD = "random:index/randomPassword:RandomPassword";
export const REMOTE_COMMAND = "command:remote:Command";
export const LOCAL_COMMAND = "command:local:Command";

export const GITHUB_SECRET = "estate:github:EnvironmentSecret";
const ACTIONS_SECRET = "github:index/actionsSecret:ActionsSecret";
const ENVIRONMENT_SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret";
/** Whatever publishes. */
export const PUBLISHED = [GITHUB_SECRET, ACTIONS_SECRET, ENVIRONMENT_SECRET];

export const BUCKET = "aws:s3/bucket:Bucket";
export const PUBLIC_ACCESS_BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock";
export const ENCRYPTION =
  "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration";
export const VERSIONING = "aws:s3/bucketVersioning:BucketVersioning";
export const LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration";
export const OBJECT_LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration";
export const BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy";
export const BUCKET_ACL = "aws:s3/bucketAcl:BucketAcl";
export const OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls";
export const IAM_USER = "aws:iam/user:User";
export const IAM_ROLE = "aws:iam/role:Role";
export const ACCESS_KEY = "aws:iam/accessKey:AccessKey";
export const IAM_USER_POLICY = "aws:iam/userPolicy:UserPolicy";
export const IAM_ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy";
export const REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig";
export const KMS_KEY = "aws:kms/key:Key";
export const AWS_PROVIDER = "pulumi:providers:aws";
export const SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup";
export const SECURITY_GROUP_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule";
export const SECURITY_GROUP_INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
