import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BRIEF_MS_MAX, CallPace, DEAR_DETOUR_MS, DEAR_MS, STALL_DETOUR_MS } from './call-pace.ts';

const FREE = 0.02;

test('calls that take microseconds are made at once', () => {
  const pace = new CallPace();
  for (let nowMs = 0; nowMs < 1000; nowMs += 1) {
    assert.equal(pace.isDetour(nowMs), false);
    pace.note(nowMs, nowMs + FREE, true);
  }
});

test('where most calls are dear they go through the thread pool, for a second', () => {
  const pace = new CallPace();
  let nowMs = 0;
  while (!pace.isDetour(nowMs)) {
    assert.ok(nowMs < 100, 'never');
    pace.note(nowMs, nowMs + 2 * DEAR_MS, false);
    nowMs += 1;
  }
  assert.ok(nowMs >= 8, `after ${nowMs} calls`);
  assert.equal(pace.isDetour(nowMs - 1 + DEAR_DETOUR_MS), true);
  assert.equal(pace.isDetour(nowMs + DEAR_DETOUR_MS), false);
});

test('a call in four that was interrupted for long sends none of them through the thread pool', () => {
  const pace = new CallPace();
  for (let nowMs = 0; nowMs < 1000; nowMs += 10) {
    assert.equal(pace.isDetour(nowMs), false, `at ${nowMs}`);
    pace.note(nowMs, nowMs + (nowMs % 40 === 0 ? 9 : FREE), true);
  }
});

test('one call that holds the event loop is enough, but not where nobody waits for it', () => {
  const busy = new CallPace();
  busy.note(0, BRIEF_MS_MAX + 1, true);
  assert.equal(busy.isDetour(BRIEF_MS_MAX + STALL_DETOUR_MS), true);
  assert.equal(busy.isDetour(BRIEF_MS_MAX + 2 + STALL_DETOUR_MS), false);

  const alone = new CallPace();
  alone.note(0, BRIEF_MS_MAX + 1, false);
  assert.equal(alone.isDetour(BRIEF_MS_MAX + 2), false);
});

test('calls of which one in five is slow for good hold the event loop for a small part of its time', () => {
  const pace = new CallPace();
  let heldMs = 0;
  let nowMs = 0;
  for (let count = 0; nowMs < 60_000; count += 1) {
    const tookMs = count % 5 === 0 ? 5 : FREE;
    nowMs += 0.3;
    if (pace.isDetour(nowMs)) continue;
    pace.note(nowMs, nowMs + tookMs, true);
    nowMs += tookMs;
    heldMs += tookMs;
  }
  assert.ok(heldMs < 0.3 * 60_000, `${heldMs} ms of a minute`);

  const alone = new CallPace();
  for (let atMs = 0; atMs < 1000; atMs += 10) {
    assert.equal(alone.isDetour(atMs), false, 'where nobody waits it is cheaper so');
    alone.note(atMs, atMs + (atMs % 30 === 0 ? 9 : FREE), false);
  }
});
