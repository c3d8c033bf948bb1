package io.jllm.examples.cli.batch;

import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/** All lines of a batch, so many at a time, each answered or told what is wrong with it; lines that have an answer are left out. */
public final class BatchRun {
    private static final Set<Integer> BUSY = Set.of(429, 503);
    private static final int OK = 200;
    private static final Duration PAUSE = Duration.ofMillis(200);

    private final URI server;
    private final Semaphore places;
    private final Runnable step;
    private final AtomicInteger answered = new AtomicInteger();
    private final AtomicInteger failed = new AtomicInteger();
    private final AtomicReference<IOException> broken = new AtomicReference<>();
    private int skipped;

    /**
     * A run.
     *
     * @param server who answers
     * @param atOnce requests at a time
     * @param step called after each line, from any thread
     */
    public BatchRun(URI server, int atOnce, Runnable step) {
        this.server = server;
        this.step = step;
        places = new Semaphore(atOnce);
    }

    /**
     * Answers all.
     *
     * @return a sentence of how it went
     * @throws IOException if the files cannot be read or written; what is answered stays
     */
    public String run(Path in, Path out) throws IOException, InterruptedException {
        var seen = new HashSet<String>();
        try (BufferedReader lines = Files.newBufferedReader(in); var answers = new BatchAnswers(out); HttpClient client = HttpClient.newHttpClient();
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
            int number = 0;
            for (String text = lines.readLine(); text != null && broken.get() == null; text = lines.readLine()) {
                number++;
                if (text.isBlank()) {
                    continue;
                }
                BatchLine line = BatchLine.of(number, text);
                if (answers.has(line.id())) {
                    skipped++;
                    step.run();
                } else if (!seen.add(line.id())) {
                    failed.incrementAndGet();
                    step.run();
                    throw new IOException(in + ", line " + number + ": the custom_id " + line.id() + " was there before");
                } else {
                    places.acquire();
                    threads.submit(() -> answer(line, client, answers));
                }
            }
        }
        if (broken.get() != null) {
            throw broken.get();
        }
        return answered + " answered, " + failed + " refused" + (skipped == 0 ? "" : ", " + skipped + " were answered before");
    }

    private void answer(BatchLine line, HttpClient client, BatchAnswers answers) {
        try {
            if (line.problem().isPresent()) {
                failed.incrementAndGet();
                answers.write(line.failed(line.problem().get()));
            } else {
                HttpResponse<String> reply = ask(line, client);
                (reply.statusCode() == OK ? answered : failed).incrementAndGet();
                answers.write(line.answered(reply.statusCode(), parsed(reply.body())));
            }
        } catch (IOException e) {
            broken.compareAndSet(null, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            broken.compareAndSet(null, new IOException("interrupted", e));
        } finally {
            places.release();
            step.run();
        }
    }

    /** Again while the server has no place. */
    private HttpResponse<String> ask(BatchLine line, HttpClient client) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(server.resolve(line.url())).header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(line.body())).build();
        HttpResponse<String> reply = client.send(request, BodyHandlers.ofString());
        while (BUSY.contains(reply.statusCode())) {
            Thread.sleep(PAUSE);
            reply = client.send(request, BodyHandlers.ofString());
        }
        return reply;
    }

    private static JsonElement parsed(String body) throws IOException {
        try {
            return JsonParser.parseString(body);
        } catch (JsonParseException e) {
            throw new IOException("the server answers with what is no JSON", e);
        }
    }
}
