package io.jllm.examples.cli.soak;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.DoubleStream;

/**
 * What a soak found.
 *
 * @param requests requests that were made
 * @param finished those that ended, once, right or wrong
 * @param lost those that never ended, or did so twice
 * @param wrong those whose answers differ from those to the same questions alone
 * @param leakedPages KV pages that somebody held after the last request of a round
 * @param threadsLeft names of threads that were left when the LLM was closed
 * @param tokens tokens generated
 * @param seconds time spent on that, without the questions asked alone
 * @param preemptions sequences put back to make room
 * @param cachedTokens tokens that the prefix cache had
 * @param refusals how often the queue was full
 * @param cancelled requests cut short
 * @param failed requests that were made to fail and did
 * @param heap Java heap after each round
 * @param anonymous resident memory that is no file after each round: heap and native memory
 */
public record SoakReport(int requests, int finished, int lost, int wrong, int leakedPages, List<String> threadsLeft, long tokens, double seconds,
                         long preemptions, long cachedTokens, long refusals, long cancelled, long failed, MemoryTrend heap,
                         MemoryTrend anonymous) {
    /** Keeps a copy of the names. */
    public SoakReport {
        threadsLeft = List.copyOf(threadsLeft);
    }

    /** One line, as the command prints it. */
    public JsonObject json() {
        var json = new JsonObject();
        json.addProperty("requests", requests);
        json.addProperty("finished", finished);
        json.addProperty("lost", lost);
        json.addProperty("wrong", wrong);
        json.addProperty("leaked_pages", leakedPages);
        json.addProperty("threads_left", threadsLeft.size());
        json.addProperty("tokens_per_s", rounded(tokens / seconds));
        json.addProperty("tokens", tokens);
        json.addProperty("seconds", rounded(seconds));
        json.addProperty("cancelled", cancelled);
        json.addProperty("failed", failed);
        json.addProperty("refusals", refusals);
        json.addProperty("preemptions", preemptions);
        json.addProperty("cached_tokens", cachedTokens);
        json.add("heap_mib", array(heap.mib()));
        json.add("rss_anon_mib", array(anonymous.mib()));
        return json;
    }

    /** What is not as it should be; empty if all is well. */
    public List<String> complaints() {
        var complaints = new ArrayList<String>();
        add(complaints, lost, "requests were lost");
        add(complaints, wrong, "answers were wrong");
        add(complaints, requests - finished - lost, "requests were not made");
        add(complaints, leakedPages, "KV pages were left");
        add(complaints, threadsLeft.size(), "threads were left: " + String.join(", ", threadsLeft));
        if (heap.tells() && !heap.flat()) {
            complaints.add("the Java heap grew");
        }
        if (anonymous.tells() && !anonymous.flat()) {
            complaints.add("resident memory grew");
        }
        return complaints;
    }

    private static void add(List<String> complaints, int count, String what) {
        if (count != 0) {
            complaints.add(count + " " + what);
        }
    }

    private static double rounded(double value) {
        return Math.rint(value * 1000) / 1000;
    }

    private static JsonArray array(double[] values) {
        var array = new JsonArray();
        DoubleStream.of(values).filter(Double::isFinite).forEach(v -> array.add(Math.rint(v * 10) / 10));
        return array;
    }
}
