-- Teams, projects and tasks. Each row names its organisation itself, and composite keys keep that true: a task cannot
-- belong to another organisation's project, nor be given to somebody who is no member.

CREATE TABLE teams (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL,
  name text NOT NULL,
  description text,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT teams_organization_id_key UNIQUE (organization_id, id),
  CONSTRAINT teams_name_check CHECK (char_length(name) BETWEEN 1 AND 255),
  CONSTRAINT teams_organization_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
COMMENT ON CONSTRAINT teams_organization_id_key ON teams IS 'foreign key';
CREATE INDEX teams_name_idx ON teams (organization_id, name) WHERE deleted_at IS NULL;
COMMENT ON INDEX teams_name_idx IS 'query teams-of-organization';

CREATE TABLE team_members (
  organization_id uuid NOT NULL,
  team_id uuid NOT NULL,
  user_id uuid NOT NULL,
  joined_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT team_members_pkey PRIMARY KEY (team_id, user_id),
  CONSTRAINT team_members_team_fkey FOREIGN KEY (organization_id, team_id)
    REFERENCES teams (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT team_members_member_fkey FOREIGN KEY (organization_id, user_id)
    REFERENCES organization_members (organization_id, user_id) ON DELETE CASCADE
);
CREATE INDEX team_members_team_fkey_idx ON team_members (organization_id, team_id);
COMMENT ON INDEX team_members_team_fkey_idx IS 'foreign key; query members-of-team';
CREATE INDEX team_members_member_fkey_idx ON team_members (organization_id, user_id);
COMMENT ON INDEX team_members_member_fkey_idx IS 'foreign key; query teams-of-user';

CREATE TABLE projects (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL,
  name text NOT NULL,
  description text,
  status project_status NOT NULL DEFAULT 'ACTIVE',
  settings jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT projects_organization_id_key UNIQUE (organization_id, id),
  CONSTRAINT projects_name_check CHECK (char_length(name) BETWEEN 1 AND 255),
  CONSTRAINT projects_settings_check CHECK (jsonb_typeof(settings) = 'object'),
  CONSTRAINT projects_organization_fkey FOREIGN KEY (organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
COMMENT ON CONSTRAINT projects_organization_id_key ON projects IS 'foreign key';
CREATE INDEX projects_name_idx ON projects (organization_id, name) WHERE deleted_at IS NULL;
COMMENT ON INDEX projects_name_idx IS 'query projects-of-organization';

CREATE TABLE tasks (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  organization_id uuid NOT NULL,
  project_id uuid NOT NULL,
  assignee_id uuid,
  title text NOT NULL,
  description text,
  status task_status NOT NULL DEFAULT 'TODO',
  priority task_priority NOT NULL DEFAULT 'MEDIUM',
  due_date timestamptz,
  metadata jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz,
  CONSTRAINT tasks_title_check CHECK (char_length(title) BETWEEN 1 AND 255),
  CONSTRAINT tasks_metadata_check CHECK (jsonb_typeof(metadata) = 'object'),
  CONSTRAINT tasks_project_fkey FOREIGN KEY (organization_id, project_id)
    REFERENCES projects (organization_id, id) ON DELETE CASCADE,
  CONSTRAINT tasks_assignee_fkey FOREIGN KEY (organization_id, assignee_id)
    REFERENCES organization_members (organization_id, user_id) ON DELETE SET NULL (assignee_id)
);
-- Deleted tasks stay in the table: these two see them, for the keys' own work.
CREATE INDEX tasks_project_fkey_idx ON tasks (organization_id, project_id);
COMMENT ON INDEX tasks_project_fkey_idx IS 'foreign key';
CREATE INDEX tasks_assignee_fkey_idx ON tasks (organization_id, assignee_id);
COMMENT ON INDEX tasks_assignee_fkey_idx IS 'foreign key';
CREATE INDEX tasks_project_id_idx ON tasks (organization_id, project_id, created_at DESC) WHERE deleted_at IS NULL;
COMMENT ON INDEX tasks_project_id_idx IS 'query newest-tasks-of-project';
CREATE INDEX tasks_assignee_id_idx ON tasks (organization_id, assignee_id, due_date) WHERE deleted_at IS NULL;
COMMENT ON INDEX tasks_assignee_id_idx IS 'query tasks-of-assignee';
CREATE INDEX tasks_due_date_idx ON tasks (organization_id, due_date) WHERE deleted_at IS NULL;
COMMENT ON INDEX tasks_due_date_idx IS 'query tasks-due';
-- The equality of an enum is not leakproof, so row security keeps it out of an index condition; as the condition of the
-- index itself it counts. What is open is a small part of a table that keeps everything ever done.
CREATE INDEX tasks_status_idx ON tasks (organization_id, created_at)
  WHERE deleted_at IS NULL AND status IN ('TODO', 'IN_PROGRESS', 'REVIEW');
COMMENT ON INDEX tasks_status_idx IS 'query open-tasks-of-organization';
CREATE INDEX tasks_project_status_idx ON tasks (organization_id, project_id)
  WHERE deleted_at IS NULL AND status IN ('TODO', 'IN_PROGRESS', 'REVIEW');
COMMENT ON INDEX tasks_project_status_idx IS 'query open-tasks-of-project';

CREATE TRIGGER teams_updated_at BEFORE UPDATE ON teams
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
CREATE TRIGGER projects_updated_at BEFORE UPDATE ON projects
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
CREATE TRIGGER tasks_updated_at BEFORE UPDATE ON tasks
  FOR EACH ROW EXECUTE FUNCTION internal.set_updated_at();
