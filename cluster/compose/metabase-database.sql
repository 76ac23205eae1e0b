-- Metabase's own state: a database and a role for it, made with the cluster, where this runs as its superuser.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/metabase-database-password`
CREATE ROLE metabase LOGIN PASSWORD :'password';
CREATE DATABASE metabase OWNER metabase;
