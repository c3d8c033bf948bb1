package io.jllm.engine.watch;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** The events in the JVM's flight recordings. Fields are as the recorder wants them: it reads them where a class declares them. */
final class JfrEvents {
    private JfrEvents() {
    }

    /** A request, from the moment the engine took it in to its end. */
    @Name("io.jllm.Request")
    @Label("Request")
    @Category({"jLLM"})
    @Description("A request to a language model, from when the engine took it in to its end")
    @StackTrace(false)
    static final class RequestEvent extends Event {
        @Label("Request Id")
        long requestId;
        @Label("Queued")
        @Description("From submission to the first step that computed some of it")
        @Timespan(Timespan.NANOSECONDS)
        long queued;
        @Label("Time to First Token")
        @Description("From submission to its first token; zero if it has none")
        @Timespan(Timespan.NANOSECONDS)
        long timeToFirstToken;
        @Label("Inter-Token Latency, Median")
        @Timespan(Timespan.NANOSECONDS)
        long interTokenMedian;
        @Label("Inter-Token Latency, Maximum")
        @Timespan(Timespan.NANOSECONDS)
        long interTokenMax;
        @Label("Total")
        @Description("From submission to its end")
        @Timespan(Timespan.NANOSECONDS)
        long total;
        @Label("Prompt Tokens")
        int promptTokens;
        @Label("Cached Tokens")
        @Description("Tokens of the prompt that were found in the prefix cache")
        int cachedTokens;
        @Label("Generated Tokens")
        int generatedTokens;
        @Label("Outputs")
        int outputs;
        @Label("Preemptions")
        int preemptions;
        @Label("Finish Reason")
        String finishReason;
        @Label("Error")
        @Description("What it failed with, or why it was refused; empty otherwise")
        String error;
    }

    /** A step of the engine, from its plan to the delivery of its tokens. */
    @Name("io.jllm.Step")
    @Label("Engine Step")
    @Category({"jLLM"})
    @Description("One forward pass over the tokens of all sequences in the batch, and the delivery of what it gave")
    @StackTrace(false)
    static final class StepEvent extends Event {
        @Label("Step")
        long step;
        @Label("Sequences")
        int sequences;
        @Label("Tokens")
        int tokens;
        @Label("Prefill Tokens")
        @Description("Tokens of prompts, and tokens computed again after a preemption")
        int prefillTokens;
        @Label("Decode Tokens")
        int decodeTokens;
        @Label("Running Sequences")
        int running;
        @Label("Waiting Sequences")
        int waiting;
        @Label("KV Blocks")
        int kvBlocks;
        @Label("Used KV Blocks")
        int usedKvBlocks;
        @Label("KV Memory")
        @DataAmount
        long kvBytes;
        @Label("Schedule")
        @Timespan(Timespan.NANOSECONDS)
        long schedule;
        @Label("Forward")
        @Timespan(Timespan.NANOSECONDS)
        long forward;
        @Label("Sample and Deliver")
        @Timespan(Timespan.NANOSECONDS)
        long deliver;
    }

    /** Sequences were put back. */
    @Name("io.jllm.Preemption")
    @Label("Preemption")
    @Category({"jLLM"})
    @Description("Sequences of a request were put back to make room in the KV cache; they will be computed again")
    @StackTrace(false)
    static final class PreemptionEvent extends Event {
        @Label("Request Id")
        long requestId;
    }

    /** A prefix was shared. */
    @Name("io.jllm.PrefixCacheHit")
    @Label("Prefix Cache Hit")
    @Category({"jLLM"})
    @Description("The beginning of a request was computed before, and is shared")
    @StackTrace(false)
    static final class PrefixCacheHitEvent extends Event {
        @Label("Request Id")
        long requestId;
        @Label("Tokens")
        @Description("Tokens that need not be computed")
        int tokens;
    }
}
