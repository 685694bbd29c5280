-- A team is the tenant: every row that belongs to one says so in its own team_id, and composite keys keep that true.
CREATE TABLE teams (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
  description text,
  created_by uuid,
  is_active boolean NOT NULL DEFAULT true,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- team_id is the home team: the one whose admins manage the account. team_members may add further teams.
CREATE TABLE users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  team_id uuid NOT NULL REFERENCES teams (id),
  azure_oid text NOT NULL UNIQUE CHECK (length(azure_oid) BETWEEN 1 AND 255),
  email text NOT NULL CHECK (email ~ '^[^@\s]+@[^@\s]+$' AND length(email) <= 320),
  display_name text CHECK (length(display_name) <= 255),
  role portal_role NOT NULL DEFAULT 'standard_user',
  metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  is_active boolean NOT NULL DEFAULT true,
  last_login_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Both tables are new and empty.
-- squawk-ignore adding-foreign-key-constraint, constraint-missing-not-valid
ALTER TABLE teams ADD CONSTRAINT teams_created_by_fkey
  FOREIGN KEY (created_by) REFERENCES users (id) ON DELETE SET NULL;

CREATE TABLE team_members (
  team_id uuid NOT NULL REFERENCES teams (id) ON DELETE CASCADE,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  role team_role NOT NULL DEFAULT 'member',
  joined_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, user_id)
);

-- Query "the team of this name", when one is created.
CREATE UNIQUE INDEX teams_name_key ON teams (lower(name));
-- Foreign key: which teams name a user that is deleted.
CREATE INDEX teams_created_by_idx ON teams (created_by) WHERE created_by IS NOT NULL;
-- Query "active users of the team, by name"; the policy's column leads.
CREATE INDEX users_team_active_idx ON users (team_id, display_name) WHERE is_active;
-- Policy and foreign key: all users of a team, inactive ones too.
CREATE INDEX users_team_idx ON users (team_id);
-- Query "the account with this e-mail", when somebody is invited.
CREATE INDEX users_email_idx ON users (lower(email));
-- Query "who administers the portal": a handful of many users.
CREATE INDEX users_privileged_idx ON users (role) WHERE is_active AND role <> 'standard_user';
-- Query "teams of this user", at login.
CREATE INDEX team_members_user_idx ON team_members (user_id);

CREATE TRIGGER updated_at BEFORE UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
CREATE TRIGGER updated_at BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
CREATE TRIGGER updated_at BEFORE UPDATE ON team_members FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();

-- Which identity a user may take in a team; the service asks before it signs a context. NULL: none. No right follows from
-- calling it: it runs with the caller's own rows, and a policy never calls it.
CREATE FUNCTION identity_of(wanted_user uuid, wanted_team uuid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN u.role = 'super_admin' THEN 'superadmin'
    WHEN m.role = 'admin' OR (u.role = 'team_admin' AND m.team_id = u.team_id) THEN 'admin'
    WHEN m.role = 'member' THEN 'member'
  END
  FROM public.users u
  JOIN public.teams t ON t.id = wanted_team AND t.is_active
  LEFT JOIN public.team_members m ON m.user_id = u.id AND m.team_id = wanted_team
  WHERE u.id = wanted_user AND u.is_active
$$;
