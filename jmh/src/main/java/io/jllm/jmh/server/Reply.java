package io.jllm.jmh.server;

import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A request for completions, and the stream that answers it while it comes. No more of HTTP than it takes: a client should cost little beside what
 * it measures, so the text is looked at when it is whole. For one thread.
 */
final class Reply {
    private static final byte[] END = "\r\n0\r\n\r\n".getBytes(StandardCharsets.US_ASCII); // no event holds it: JSON writes line ends as \r and \n
    private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);
    private static final Pattern USAGE = Pattern.compile("\"completion_tokens\":(\\d+)");
    private static final int ROOM = 16 << 10;

    private ByteBuffer bytes = ByteBuffer.allocateDirect(ROOM);
    private long begin;
    private long firstNanos;

    /** The request, to be sent now. */
    ByteBuffer ask(String prompt, int tokens) {
        byte[] body = ("{\"prompt\":" + new JsonPrimitive(prompt) + ",\"max_tokens\":" + tokens
                + ",\"temperature\":0,\"ignore_eos\":true,\"stream\":true,\"stream_options\":{\"include_usage\":true}}").getBytes(StandardCharsets.UTF_8);
        byte[] head = ("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " + body.length + "\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        bytes.clear();
        firstNanos = 0;
        begin = System.nanoTime();
        return ByteBuffer.allocate(head.length + body.length).put(head).put(body).flip();
    }

    /** Where more of it is to be put. */
    ByteBuffer room() {
        if (!bytes.hasRemaining()) {
            bytes = ByteBuffer.allocateDirect(2 * bytes.capacity()).put(bytes.flip());
        }
        return bytes;
    }

    /** Looks at what has come; whether that is all. */
    boolean isWhole() {
        if (firstNanos == 0 && holdsData()) {
            firstNanos = System.nanoTime() - begin;
        }
        return firstNanos != 0 && isAt(END, bytes.position() - END.length);
    }

    private boolean holdsData() {
        for (int i = 0; i <= bytes.position() - DATA.length; i++) {
            if (isAt(DATA, i)) {
                return true;
            }
        }
        return false;
    }

    private boolean isAt(byte[] what, int at) {
        for (int i = 0; i < what.length; i++) {
            if (bytes.get(at + i) != what[i]) {
                return false;
            }
        }
        return true;
    }

    /**
     * What it says, once it is whole.
     *
     * @throws IOException if it is no answer with an end
     */
    Asking.Answered answered() throws IOException {
        String text = StandardCharsets.UTF_8.decode(bytes.flip()).toString();
        Matcher usage = USAGE.matcher(text);
        if (!text.startsWith("HTTP/1.1 200") || !text.contains("data: [DONE]\n\n") || !usage.find()) {
            throw new IOException("an answer without an end: " + text.lines().findFirst().orElse(""));
        }
        return new Asking.Answered(firstNanos, Integer.parseInt(usage.group(1)));
    }
}
