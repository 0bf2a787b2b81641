from contracts.s3_access import S3Access

KEYS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret"}
SERVER = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9000", "AWS_DEFAULT_REGION": "eu-central-1", **KEYS}


def test_a_server_of_ones_own_is_reached_by_every_client() -> None:
    access = S3Access.of(SERVER)
    spark = access.for_spark
    assert spark["fs.s3a.endpoint"] == "http://127.0.0.1:9000"
    assert spark["fs.s3a.endpoint.region"] == "eu-central-1"
    assert (spark["fs.s3a.path.style.access"], spark["fs.s3a.connection.ssl.enabled"]) == ("true", "false")
    assert (spark["fs.s3a.access.key"], spark["fs.s3a.secret.key"]) == ("id", "secret")
    assert spark["fs.s3a.aws.credentials.provider"].endswith(".SimpleAWSCredentialsProvider")
    delta = access.for_delta_rs
    assert delta["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9000"
    assert (delta["AWS_ALLOW_HTTP"], delta["aws_conditional_put"]) == ("true", "etag")
    arrow = access.for_arrow
    assert (arrow["scheme"], arrow["endpoint_override"]) == ("http", "127.0.0.1:9000")
    assert access.for_boto3["endpoint_url"] == "http://127.0.0.1:9000"
    for options in (delta, arrow, access.for_boto3):
        assert {"id", "secret", "eu-central-1"} <= set(options.values())


def test_without_an_endpoint_it_is_aws_and_without_keys_each_client_asks_its_own_chain() -> None:
    access = S3Access.of({"AWS_ENDPOINT_URL": "", "AWS_SESSION_TOKEN": ""})
    assert access == S3Access()
    assert access.for_spark.keys().isdisjoint({"fs.s3a.endpoint", "fs.s3a.access.key", "fs.s3a.path.style.access"})
    assert access.for_delta_rs.keys().isdisjoint({"AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP", "AWS_ACCESS_KEY_ID"})
    assert access.for_arrow.keys().isdisjoint({"scheme", "endpoint_override", "access_key"})
    assert access.for_boto3 == {"region_name": "us-east-1"}


def test_s3s_own_endpoint_comes_first_and_a_session_has_a_token() -> None:
    access = S3Access.of({**SERVER, "AWS_ENDPOINT_URL_S3": "https://s3.example", "AWS_SESSION_TOKEN": "token"})
    assert access.endpoint == "https://s3.example"
    assert access.for_spark["fs.s3a.aws.credentials.provider"].endswith(".TemporaryAWSCredentialsProvider")
    assert "AWS_ALLOW_HTTP" not in access.for_delta_rs
    assert {"token"} <= set(access.for_boto3.values())


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(S3Access.of(SERVER)).replace("secret_key", "")
