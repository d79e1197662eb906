create table documents (s3_key text primary key, title text);
create table brands (id text primary key, name text not null);
