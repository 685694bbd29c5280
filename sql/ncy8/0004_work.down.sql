DROP TABLE tasks;
DROP TABLE projects;
DROP TABLE team_members;
DROP TABLE teams;
