DROP TRIGGER users_stay_anonymized ON users;
DROP FUNCTION internal.stay_anonymized();
DROP TRIGGER team_members_return ON team_members;
DROP TRIGGER team_members_new_person ON team_members;
DROP TRIGGER organization_members_return ON organization_members;
DROP TRIGGER organization_members_new_person ON organization_members;
DROP FUNCTION internal.refuse_anonymized();
