import * as right from "./right";
import { of, type Violator } from "./types";

const { up, upMariadb } = right;
const element = (call: string) =>
  up(
    `CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE a text[]; BEGIN a[(1 = 1)::int] := ${call}; END $$;`,
  );
const routine = (body: string) =>
  upMariadb(`CREATE OR REPLACE PROCEDURE p(IN x int) SQL SECURITY INVOKER ${body};`);
const block = (body: string) =>
  upMariadb(
    `DELIMITER //\nCREATE OR REPLACE PROCEDURE p(IN x int) SQL SECURITY INVOKER BEGIN ${body} END //\nDELIMITER ;\n`,
  );
const trigger = (body: string) =>
  upMariadb(`CREATE OR REPLACE TRIGGER t BEFORE INSERT ON a FOR EACH ROW ${body};`);

/** What a migration calls, and what the bodies that it makes do later. */
export const bodies: Violator[] = [
  ...of("migration-judgeable", right.migrations, {
    "a job is changed": up("SELECT cron.alter_job(1, command := 'DROP TABLE users');"),
    "a job goes": up("SELECT cron.unschedule('x');"),
    "a function of the program": up("SELECT estate.forget();"),
    "a context is made": up("SELECT context.sign('x');"),
    "a trigger of the context's": up(
      "CREATE TRIGGER t AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION context.hold();",
    ),
    "a function that is called for the server's": up(
      "CREATE FUNCTION public.format(a text, b text) RETURNS text LANGUAGE sql AS $$ SELECT b $$;",
    ),
    "a setting in quotes, for an element": element(`"set_config"('row_security', 'off', false)`),
    "a setting behind a comment, for an element": element(
      "set_config /* x */ ('row_security', 'off', false)",
    ),
    "a lock of the session": up("SELECT pg_advisory_lock(1);"),
    "statistics go": up("SELECT pg_stat_reset();"),
    "a new log": up("SELECT pg_rotate_logfile();"),
    "a new segment": up("SELECT pg_switch_wal();"),
    "a large object": up("SELECT loread(1, 10);"),
    "GLOBAL in a trigger": trigger("SET GLOBAL general_log = 1"),
    "GLOBAL in a trigger, by a variable": trigger("SET @@global.general_log = 1"),
    "a setting of the session in a trigger": trigger("SET @@sql_log_bin = 0"),
    "a password in a trigger": trigger("SET PASSWORD FOR 'svc_crm' = PASSWORD('x')"),
    "behind another trigger": trigger("FOLLOWS b SET ROLE admin"),
    "GLOBAL behind another": trigger("SET NEW.a = f(1, 2), GLOBAL general_log = 1"),
    "an account in a procedure": routine("CREATE USER x"),
    "rights in a procedure": routine("GRANT ALL ON *.* TO 'x'@'%'"),
    "another connection in a procedure": routine("KILL 1"),
    "a role in a procedure": routine("SET ROLE admin"),
    "a file in a procedure": routine("LOAD DATA INFILE '/etc/passwd' INTO TABLE a"),
    "a block in a procedure": routine("BEGIN FLUSH PRIVILEGES; END"),
    "a block whole": block("FLUSH PRIVILEGES;"),
    "a branch of a block": block("IF x > 1 THEN SELECT 1; ELSEIF x < 0 THEN KILL 1; END IF;"),
    "another branch of a block": block("IF x > 1 THEN SELECT 1; ELSE SET GLOBAL general_log = 1; END IF;"),
    "a loop in a block": block("a: LOOP SET ROLE admin; END LOOP;"),
    "a case in a block": block("CASE x WHEN 1 THEN SELECT 1; ELSE CREATE USER y; END CASE;"),
    "what a block does with a fault": block(
      "DECLARE CONTINUE HANDLER FOR SQLEXCEPTION, 1062 SET GLOBAL general_log = 1; SELECT 1;",
    ),
    "a block in a block": block("BEGIN GRANT ALL ON *.* TO x; END;"),
    "a procedure behind a case": block("IF CASE WHEN x THEN 1 END THEN CALL other(); END IF;"),
    "a procedure of another": routine("CALL other()"),
  }),
  ...of("migration-row-security-kept", right.migrations, {
    "a trigger takes another's place": up(
      "CREATE OR REPLACE TRIGGER refuse_own_role BEFORE INSERT ON users FOR EACH ROW WHEN (false) EXECUTE FUNCTION f();",
    ),
    "a trigger goes on MariaDB": upMariadb("DROP TRIGGER IF EXISTS refuse_own_role;"),
  }),
];
