DROP TRIGGER users_stay_anonymized ON users;
DROP FUNCTION internal.stay_anonymized();
DROP TRIGGER organization_memberships_return ON organization_memberships;
DROP TRIGGER organization_memberships_new_person ON organization_memberships;
DROP FUNCTION internal.refuse_anonymized();
DROP TRIGGER organization_memberships_keep_admin ON organization_memberships;
DROP FUNCTION internal.keep_admin();
