package io.jllm.engine.sequence;

import io.jllm.RequestOutput;

/** Is told what becomes of requests inside the engine, on its thread. */
public interface RequestEvents {
    void queued(SequenceGroup g);

    /** A step computes the first tokens of it. */
    void started(SequenceGroup g, int cachedTokens);

    void cacheHit(SequenceGroup g, int tokens);

    void firstToken(SequenceGroup g);

    void preempted(SequenceGroup g);

    /** It has ended and left the scheduler; its caller has the result after this. */
    void finished(RequestOutput output);
}
