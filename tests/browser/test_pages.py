"""Web pages of others, in a real Chromium: nothing of the embedded AWS is read, run, dropped, changed or wiped."""

import json
import re
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame

from embedded_aws.lifecycle.daemon import LOG_FILE
from tests.browser.conftest import REBOUND
from tests.hostile.test_access import ask
from tests.integration.mill import Mill

FETCH = """async attacks => {
  const read = [];
  for (const {method, url, headers, body} of attacks)
    for (const mode of ["cors", "no-cors", "same-origin"])
      try {
        const bare = method === "GET" || method === "HEAD";
        const sent = mode === "cors" ? headers : {};
        const answer = await fetch(url, {method, mode, headers: sent, body: bare ? undefined : body});
        if (answer.type !== "opaque") read.push([method, url, mode, answer.status, await answer.text()]);
      } catch (refused) {}
  return read;
}"""
SUBMIT = """async attacks => {
  for (const {url, fields} of attacks)
    for (const kind of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]) {
      const frame = document.createElement("iframe"), form = document.createElement("form");
      frame.name = "answer" + Math.random();
      Object.assign(form, {method: "POST", action: url, enctype: kind, target: frame.name});
      for (const [name, value] of Object.entries(fields)) {
        const field = document.createElement("input");
        Object.assign(field, {type: "hidden", name, value});
        form.append(field);
      }
      document.body.append(frame, form);
      const loaded = new Promise(resolve => { frame.onload = resolve; setTimeout(resolve, 1000); });
      form.submit();
      await loaded;
      navigator.sendBeacon(url, new URLSearchParams(fields));
    }
}"""
LOAD = """async addresses => {
  const loaded = [];
  for (const url of addresses)
    for (const name of ["img", "script", "link", "iframe", "object"]) {
      const element = document.createElement(name);
      if (name === "link") Object.assign(element, {rel: "stylesheet", href: url});
      else element[name === "object" ? "data" : "src"] = url;
      await new Promise(resolve => {
        element.onload = () => { if (!["iframe", "object"].includes(name)) loaded.push([name, url]); resolve(); };
        element.onerror = resolve;
        setTimeout(resolve, 500);
        document.body.append(element);
      });
    }
  for (const url of addresses)
    await new Promise(resolve => {
      const socket = new WebSocket(url.replace("http", "ws"));
      socket.onopen = () => { loaded.push(["socket", url]); resolve(); };
      socket.onerror = resolve;
    });
  return loaded;
}"""


def fetches(mill: Mill, base: str) -> list[dict[str, Any]]:
    """Return what a page may try: list, read, drop, run, invoke, delete, reset."""
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"}
    json_type = {"Content-Type": "application/x-amz-json-1.0"}
    start = {"stateMachineArn": mill.outputs["StateMachineArn"], "input": "{}"}
    job = {"jobName": "page", "jobQueue": mill.outputs["CpuQueueArn"]}
    job |= {"jobDefinition": mill.outputs["CpuJobDefinitionArn"]}
    function = mill.physical("SplitFunction")
    target = {"X-Amz-Target": "AWSStepFunctions.StartExecution"}
    tries = [
        ("GET", "/", {}, ""),
        ("GET", f"/{mill.bucket}?list-type=2", signed, ""),
        ("GET", f"/{mill.bucket}/jobs/kept.txt", {}, ""),
        ("PUT", f"/{mill.bucket}/inputs/strings/page.txt", {}, "a\n"),
        ("PUT", f"/{mill.bucket}/inputs/strings/page.txt", signed, "a\n"),
        ("POST", f"/{mill.bucket}?delete", {}, "<Delete><Object><Key>jobs/kept.txt</Key></Object></Delete>"),
        ("DELETE", f"/{mill.bucket}/jobs/kept.txt", {}, ""),
        ("PUT", "/page-bucket", {}, ""),
        ("POST", "/", {**target, **json_type}, json.dumps(start)),
        ("POST", "/", {**target, **signed, **json_type}, json.dumps(start)),
        ("POST", "/v1/submitjob", signed, json.dumps(job)),
        ("POST", f"/2015-03-31/functions/{function}/invocations", signed, "{}"),
        ("POST", "/moto-api/reset", {}, ""),
        ("GET", "/moto-api/data.json", {}, ""),
        ("GET", "/_embedded/identity?challenge=" + "0" * 64, {}, ""),
    ]
    return [
        {"method": method, "url": base + path, "headers": headers, "body": body}
        for method, path, headers, body in tries
    ]


def forms(mill: Mill, base: str) -> list[dict[str, Any]]:
    query = {"Action": "DeleteStack", "StackName": mill.stack, "Version": "2010-05-15"}
    return [
        {"url": f"{base}/moto-api/reset", "fields": {}},
        {"url": f"{base}/{mill.bucket}", "fields": {"key": "inputs/strings/form.txt", "file": "a"}},
        {"url": f"{base}/", "fields": query},
    ]


def state_of(mill: Mill) -> dict[str, Any]:
    """Return all that a page could have changed."""
    s3, states = mill.client("s3"), mill.client("stepfunctions")
    buckets = sorted(bucket["Name"] for bucket in s3.list_buckets()["Buckets"])
    machine = mill.outputs["StateMachineArn"]
    streams = mill.client("logs").describe_log_groups()["logGroups"]
    return {
        "buckets": buckets,
        "objects": mill.sizes(""),
        "kept": mill.read("jobs/kept.txt"),
        "executions": [
            known["executionArn"] for known in states.list_executions(stateMachineArn=machine)["executions"]
        ],
        "jobs": mill.client("batch").list_jobs(jobQueue=mill.outputs["CpuQueueArn"])["jobSummaryList"],
        "stacks": [stack["StackStatus"] for stack in mill.client("cloudformation").describe_stacks()["Stacks"]],
        "logs": {group["logGroupName"]: group["storedBytes"] for group in streams},
    }


@pytest.fixture
def kept(mill: Mill) -> dict[str, Any]:
    mill.client("s3").put_object(Bucket=mill.bucket, Key="jobs/kept.txt", Body=b"kept")
    return state_of(mill)


def refused(mill: Mill) -> int:
    """Return how many requests were refused: those that the log tells, and those that it left out until the next."""
    time.sleep(10)
    assert ask(mill, "GET", "/")[0] == 403
    lines = [line for line in (mill.data / LOG_FILE).read_text().splitlines() if " refused " in line]
    return len(lines) + sum(int(found) for line in lines for found in re.findall(r"\((\d+) more such lines", line))


def test_a_page_of_somebody_else_gets_and_does_nothing(mill: Mill, page: Frame, kept: dict[str, Any]):
    before = refused(mill)
    assert page.evaluate(FETCH, fetches(mill, mill.endpoint)) == []
    page.evaluate(SUBMIT, forms(mill, mill.endpoint))
    loads = [f"{mill.endpoint}/{mill.bucket}/jobs/kept.txt", f"{mill.endpoint}/moto-api/reset"]
    assert page.evaluate(LOAD, loads) == []
    assert refused(mill) - before > 30, "the browser itself let hardly a request go"
    assert state_of(mill) == kept


def test_a_page_that_was_given_signed_addresses_can_not_use_them(mill: Mill, page: Frame, kept: dict[str, Any]):
    s3 = mill.target.client("s3")
    named = {"Bucket": mill.bucket, "Key": "jobs/kept.txt"}
    gifts = [("GET", "get_object"), ("PUT", "put_object"), ("DELETE", "delete_object")]
    signed = [
        {"method": method, "url": s3.generate_presigned_url(name, Params=named), "headers": {}, "body": "stolen"}
        for method, name in gifts
    ]
    assert [read for read in page.evaluate(FETCH, signed) if read[2] == "cors"] == []
    post = s3.generate_presigned_post(mill.bucket, "inputs/strings/form.txt")
    page.evaluate(SUBMIT, [{"url": post["url"], "fields": {**post["fields"], "file": "a"}}])
    assert state_of(mill) == kept


def test_a_name_that_was_rebound_to_this_machine_is_answered_nothing(
    mill: Mill, browser: Browser, kept: dict[str, Any]
):
    base = f"http://{REBOUND}:{mill.endpoint.rpartition(':')[2]}"
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(f"{base}/")
    assert answer
    assert answer.status == 421
    read = page.evaluate(FETCH, fetches(mill, base))
    assert len(read) > 20, "its own origin reads every answer"
    assert {status for _, _, _, status, _ in read} == {421}
    page.evaluate(SUBMIT, forms(mill, base))
    context.close()
    assert state_of(mill) == kept


def test_a_page_that_lies_in_a_bucket_may_do_nothing_more(mill: Mill, browser: Browser, kept: dict[str, Any]):
    s3 = mill.target.client("s3")
    named = {"Bucket": mill.bucket, "Key": "jobs/page.html"}
    s3.put_object(**named, Body=b"<!doctype html><body></body>", ContentType="text/html")
    before = state_of(mill)
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(s3.generate_presigned_url("get_object", Params=named))
    assert answer
    assert answer.status == 200, "opening it by its address needs no CORS rule"
    read = page.evaluate(FETCH, fetches(mill, mill.endpoint))
    own = {url for _, url, _, status, _ in read if status < 400}
    assert {url.partition("?")[0] for url in own} <= {f"{mill.endpoint}/_embedded/identity"}
    page.evaluate(SUBMIT, forms(mill, mill.endpoint))
    context.close()
    assert state_of(mill) == before
    s3.delete_object(**named)


def test_a_page_that_a_bucket_admits_reads_by_its_signed_address(mill: Mill, browser: Browser, pages: int):
    """The counterpart: what the tests above look for is seen where it is allowed."""
    s3 = mill.target.client("s3")
    rule = {
        "AllowedOrigins": [f"http://page.example:{pages}"],
        "AllowedMethods": ["GET", "PUT"],
        "AllowedHeaders": ["*"],
    }
    s3.create_bucket(Bucket="admits")
    s3.put_bucket_cors(Bucket="admits", CORSConfiguration={"CORSRules": [rule]})
    s3.put_object(Bucket="admits", Key="k", Body=b"for the page")
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://page.example:{pages}/index.html")
    named = {"Bucket": "admits", "Key": "k"}
    tries = [
        {"method": method, "url": s3.generate_presigned_url(name, Params=named), "headers": {}, "body": "by the page"}
        for method, name in (("GET", "get_object"), ("PUT", "put_object"))
    ]
    read = page.evaluate(FETCH, tries)
    context.close()
    assert [(method, status, text) for method, _, mode, status, text in read if mode == "cors"] == [
        ("GET", 200, "for the page"),
        ("PUT", 200, ""),
    ]
    assert s3.get_object(**named)["Body"].read() == b"by the page"
