# Loading an archive of pg_dump with the rights of the database's owner and no others: what it holds is run by a login of the loading's own,
# and read by one that can only read. Sourced by the agent and by restores. SCRATCH: the database; OWNER: the role that owns what will be in
# it; loader: that login, which may become OWNER.
# Pasted, each checked or constant: there created

loading="-c lock_timeout=600s"
owner_do() { { echo 'SET ROLE :"owner";'; cat; } | pg_client estate-restore "$loader" "$loading" -d "$SCRATCH" -v owner="$OWNER" "$@"; }
archive() { pg_program estate-restore "$loader" "$loading" pg_restore "$@"; }

# The server's administrator, while nothing of a service's is in it.
in_empty_scratch() { pg_client postgres postgres '' -d "$SCRATCH" -v owner="$OWNER" "$@"; }

# created_of DATABASE: how it was created, which no dump says, as JSON in base64.
created_of() {
  on_server -v name="$1" <<'SQL' | base64 -w0
SELECT json_build_object('encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype, 'provider', datlocprovider,
    'locale', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'), 'rules', daticurules)
  FROM pg_database d WHERE datname = :'name';
SQL
}

# create_empty CREATED: SCRATCH as CREATED says (see created_of), of OWNER; nobody enters it but who only reads.
create_empty() {
  local created=$1
  on_server -v scratch="$SCRATCH" -v owner="$OWNER" <<SQL
SELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0 CONNECTION LIMIT 8 ENCODING %L LC_COLLATE %L LC_CTYPE %L%s', :'scratch',
    :'owner', d->>'encoding', d->>'collate', d->>'ctype', CASE d->>'provider'
      WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', d->>'locale') || coalesce(format(' ICU_RULES %L', d->>'rules'), '')
      WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', d->>'locale') ELSE '' END)
  FROM (SELECT convert_from(decode('$created', 'base64'), 'UTF8')::json AS d) AS created \gexec
REVOKE ALL ON DATABASE :"scratch" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"scratch" TO estate_backup;
SQL
}

# extensions_of DATABASE: those that only the administrator could have made, as JSON in base64.
extensions_of() {
  reading_from "$1" <<'SQL' | base64 -w0
SELECT coalesce(json_agg(json_build_object('name', extname, 'schema', n.nspname, 'version', extversion)), '[]')
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace JOIN pg_roles r ON r.oid = e.extowner
  WHERE rolsuper AND extname <> 'plpgsql';
SQL
}

# make_extensions DECLARED THERE: of THERE (see extensions_of) those of the words DECLARED, and those that only a superuser can make. Those
# that a service made by itself are made by it again, with the rest of what it owns.
make_extensions() {
  local there=$2
  in_empty_scratch -v declared="$1" <<SQL
CREATE TEMP TABLE there AS SELECT name, schema, version
  FROM json_to_recordset(convert_from(decode('$there', 'base64'), 'UTF8')::json) AS j (name text, schema text, version text);
DELETE FROM there WHERE NOT name = ANY (string_to_array(:'declared', ' '))
  AND EXISTS (SELECT FROM pg_available_extension_versions v WHERE v.name = there.name AND v.trusted);
SELECT format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', schema, :'owner') FROM there
  WHERE schema NOT IN ('public', 'pg_catalog') AND schema !~ '^pg_' AND NOT EXISTS (SELECT FROM pg_available_extension_versions v
    WHERE v.name = there.name AND v.schema = there.schema) \gexec
SELECT format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I VERSION %L CASCADE', name, schema, coalesce(
    (SELECT v.version FROM pg_available_extension_versions v WHERE v.name = there.name AND v.version = there.version),
    (SELECT default_version FROM pg_available_extensions a WHERE a.name = there.name))) FROM there ORDER BY name \gexec
-- What they let PUBLIC read: pg_stat_statements shows a service what others' statements held.
SELECT DISTINCT format('REVOKE ALL ON %I.%I FROM PUBLIC', n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  CROSS JOIN aclexplode(c.relacl) a WHERE a.grantee = 0 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') \gexec
SQL
}

# path_of_functions DATABASE: the search path that functions of it count on.
path_of_functions() {
  reading_from "$1" <<'SQL'
SELECT coalesce((SELECT substr(c, length('search_path=') + 1) FROM pg_db_role_setting s, unnest(setconfig) c
  WHERE setrole = 0 AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND starts_with(c, 'search_path=')), '"$user", public');
SQL
}

# What an archive holds is said at its beginning, and it can be read once: as much of it as has the list is kept.
take_contents() {
  local size=$((256 * 1024)) kept=0
  : >"$1/contents"
  while true; do
    head -c "$size" >>"$1/contents"
    if archive -l <"$1/contents" >"$1/list" 2>"$1/list.log"; then break; fi
    kept=$((kept + size))
    if (($(stat -c %s "$1/contents") < kept)); then client_words "$1/list.log" >&2; return 1; fi
    size=$kept
  done
}

# choose_entries FOLDER CONTEXT: numbers of entries by when they are carried out. Left out: what the program has made already (extensions and
# their comments; where CONTEXT is yes, schema context), and what only a superuser could make. Names are compared and go nowhere.
#
# An entry begins `NUMBER; CATALOGUE OID KIND SCHEMA NAME OWNER`, and a schema may be called DATA, SET or ACL: what the words are is told by
# the catalogue, 0 where they are no definition (`0 16385 TABLE DATA public t`; `1259 16385 TABLE DATA t`).
choose_entries() {
  [ -e "$1/there" ] || made_already >"$1/there"
  : >"$1/before"; : >"$1/data"; : >"$1/after"; : >"$1/grants"; : >"$1/last"
  chmod 0644 "$1"/{before,data,after,grants,last}
  awk -v to="$1" -v owner="$OWNER" -v context="$2" '
    BEGIN {
      no_definition = "ACL|COMMENT|SECURITY LABEL|ROW SECURITY|(TABLE|STATISTICS|MATERIALIZED VIEW) DATA|(TABLE|INDEX) ATTACH|SEQUENCE (SET|OWNED BY)"
      definition = "((FOREIGN|MATERIALIZED|SHELL|FK|CHECK|OPERATOR|PUBLICATION|DEFAULT|TEXT SEARCH) )?[A-Z]+"
    }
    FILENAME ~ /there$/ { there[$0]; next }
    /^;/ || /^$/ { next }
    { rest = $0; sub(/^[0-9]+; [0-9]+ [0-9]+ /, "", rest); superusers = rest ~ / (postgres|estate_admin)$/; catalogue = $2 + 0 }
    pass == 1 { if (catalogue == 1259 && rest ~ /^(TABLE|SEQUENCE) /) made[rest]; next }
    # The default of a column, in a schema ACL.
    { default_acl = catalogue == 826 && rest ~ /^DEFAULT ACL /; kinds = catalogue == 2604 ? "DEFAULT" : catalogue ? definition : no_definition }
    context == "yes" && rest ~ ("^(" kinds ") (- (SCHEMA )?)?context ") { next }
    { name = rest; sub(/[^ ]*$/, "", name); if (name in there) next }
    rest ~ /^(EVENT TRIGGER|SUBSCRIPTION|PROCEDURAL LANGUAGE) / { next }
    superusers && (default_acl || rest ~ /^(ACL|COMMENT|SECURITY LABEL|PUBLICATION) /) { next }
    # Rows of an extension of ours: the table is not made by the archive.
    superusers && !catalogue && rest ~ /^(TABLE DATA|SEQUENCE SET) / {
      table = rest; sub(/^TABLE DATA/, "TABLE", table); sub(/^SEQUENCE SET/, "SEQUENCE", table)
      if (!(table in made)) next
    }
    default_acl && rest !~ (" " owner "$") { next }
    default_acl || rest ~ /^ACL / { print $1 >(to "/grants"); next }
    !catalogue && rest ~ /^MATERIALIZED VIEW DATA / { print $1 >(to "/last"); next }
    rest ~ /^BLOBS? / || !catalogue && rest ~ /^(TABLE DATA|SEQUENCE SET) / { seen = 1; print $1 >(to "/data"); next }
    { print $1 >(to (seen ? "/after" : "/before")) }' "$1/there" pass=1 "$1/list" pass=2 "$1/list"
}

# How the entries begin of what is in SCRATCH before it is loaded.
made_already() {
  reading_from "$SCRATCH" <<'SQL'
SELECT translate('SCHEMA - ' || nspname || ' ', E'\n\r', '  ') FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$|public$)'
-- A comment's entry quotes the name of its extension, where it needs that.
UNION ALL SELECT translate(unnest(ARRAY['EXTENSION - ' || extname, 'COMMENT - EXTENSION ' || quote_ident(extname)]) || ' ', E'\n\r', '  ')
  FROM pg_extension;
SQL
}

# load_entries FOLDER PATH [--into]: what was chosen of FOLDER/contents and the rest of the archive on standard input. PATH: see
# path_of_functions.
load_entries() {
  local folder=$1
  from_contents() { archive -d "$SCRATCH" --role="$OWNER" --no-owner --enable-row-security -L "$folder/$1" "${@:2}" <"$folder/contents"; }
  from_contents before --exit-on-error
  path_for_functions "$2" >"$folder/altered"
  cat "$folder/contents" - |
    archive -d "$SCRATCH" --role="$OWNER" --no-owner --enable-row-security --exit-on-error -L "$folder/data"
  from_contents after --exit-on-error
  # A grant that somebody else gave than the owner is refused here, and told by the comparison with the live one.
  [ "${3:-}" = --into ] || from_contents grants 2>"$folder/grants.log" || true
  from_contents last --exit-on-error
  own_path_again <"$folder/altered"
}

# An archive is loaded with no search path, and functions that a service wrote may count on its own: those that a CHECK, a generated
# column, an index or a materialized view calls get it for as long as rows and indexes are made. path_for_functions PATH: prints which.
path_for_functions() {
  owner_do -v path="$1" <<'SQL'
CREATE TEMP TABLE altered AS SELECT p.oid, format('ALTER ROUTINE %s SET search_path FROM CURRENT', p.oid::regprocedure) AS text
  FROM pg_proc p JOIN pg_language l ON l.oid = prolang
  WHERE proowner = (SELECT oid FROM pg_roles WHERE rolname = current_user) AND lanname IN ('sql', 'plpgsql')
    AND prokind IN ('f', 'p', 'w') AND prosqlbody IS NULL
    AND NOT EXISTS (SELECT FROM unnest(proconfig) c WHERE starts_with(c, 'search_path='));
SELECT oid FROM altered;
SELECT set_config('search_path', :'path', false) \g /dev/null
SELECT text FROM pg_temp.altered \gexec
SQL
}
own_path_again() {
  { echo 'CREATE TEMP TABLE altered (number oid); COPY altered FROM STDIN;'; cat; echo '\.'
    echo "SELECT format('ALTER ROUTINE %s RESET search_path', number::regprocedure) FROM altered \\gexec"; } | owner_do
}
