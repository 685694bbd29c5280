-- Settings are sealed with a key of their team that the service derives outside (docs/encryption-keys.md); here a key of the
-- one row follows from it, so that a value opens only in its own row and under its own version. pgcrypto's aes256 has
-- integrity by SHA-1 alone, which a rewritten packet header evades: the HMAC in front covers the whole.
-- Sealed: HMAC-SHA-256, 32 bytes, then the OpenPGP message. Keys are bind parameters of calls, never literals or settings.
CREATE FUNCTION internal.row_key(team_key bytea, config uuid, version integer, purpose text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF octet_length(team_key) <> 32 THEN
    RAISE EXCEPTION 'the key must have 32 bytes' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  RETURN public.hmac(convert_to(purpose || ':' || config || ':' || version, 'UTF8'), team_key, 'sha256');
END
$$;

CREATE FUNCTION seal_secret(plain text, team_key bytea, config uuid, version integer) RETURNS bytea
LANGUAGE plpgsql VOLATILE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message bytea := public.pgp_sym_encrypt(plain, encode(internal.row_key(team_key, config, version, 'seal'), 'hex'),
    -- The passphrase is 256 random bits: stretching it would cost milliseconds and gain nothing.
    'cipher-algo=aes256, s2k-mode=1, s2k-digest-algo=sha256, compress-algo=0');
BEGIN
  RETURN public.hmac(message, internal.row_key(team_key, config, version, 'authenticate'), 'sha256') || message;
END
$$;

-- A wrong key, another row's value and a changed byte are one error, data_corrupted, that says no more.
CREATE FUNCTION open_secret(sealed bytea, team_key bytea, config uuid, version integer) RETURNS text
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  message bytea := substring(sealed FROM 33);
BEGIN
  IF substring(sealed FROM 1 FOR 32)
      <> public.hmac(message, internal.row_key(team_key, config, version, 'authenticate'), 'sha256') THEN
    RAISE EXCEPTION 'the setting cannot be opened: wrong key, or changed' USING ERRCODE = 'data_corrupted';
  END IF;
  RETURN public.pgp_sym_decrypt(message, encode(internal.row_key(team_key, config, version, 'seal'), 'hex'));
END
$$;
