package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.examples.cli.bench.RequestLines;
import io.jllm.examples.cli.options.Asked;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.sampling.EarlyStopping;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Recorded requests as files hold them. */
class RequestLinesTest {
    private static final SamplingParams DEFAULTS = SamplingParams.builder().temperature(0.5).topK(7).build();

    @TempDir
    private Path folder;

    private List<Asked> read(String text) throws IOException {
        return RequestLines.read(Files.writeString(folder.resolve("r.jsonl"), text), DEFAULTS);
    }

    @Test
    void everySettingIsRead() throws Exception {
        List<Asked> asked = read("""
                {"prompt": "--once\\n\\"upon\\"", "max_tokens": 5, "temperature": 0.25, "top_p": 0.5, "min_p": 0.125, "seed": 9}

                {"ids": [1, 2, 30], "stop": ["a b", "-c"], "min_tokens": 2, "ignore_eos": true, "logprobs": 3, "n": 2}
                {"prompt": "x", "stop": "s", "ignore_eos": false, "repetition_penalty": 1.5, "presence_penalty": 0.5, "frequency_penalty": -1}
                {"prompt": "@y", "beams": 4, "n": 3, "length_penalty": 2, "early_stopping": true, "max_tokens": 6}
                """);
        assertEquals(4, asked.size());
        var first = assertInstanceOf(Asked.Drawn.class, asked.get(0)).request();
        assertEquals(Prompt.of("--once\n\"upon\""), first.prompt());
        assertEquals(DEFAULTS.toBuilder().maxTokens(5).temperature(0.25).topP(0.5).minP(0.125).seed(9).build(), first.params());
        var second = assertInstanceOf(Asked.Drawn.class, asked.get(1)).request();
        assertArrayEquals(new int[] {1, 2, 30}, assertInstanceOf(Prompt.Tokens.class, second.prompt()).ids());
        assertEquals(DEFAULTS.toBuilder().stop("a b", "-c").minTokens(2).ignoreEos(true).logprobs(3).n(2).build(), second.params());
        var third = assertInstanceOf(Asked.Drawn.class, asked.get(2)).request();
        assertEquals(DEFAULTS.toBuilder().stop("s").repetitionPenalty(1.5).presencePenalty(0.5).frequencyPenalty(-1).build(),
                third.params());
        var last = assertInstanceOf(Asked.Searched.class, asked.get(3));
        assertEquals(Prompt.of("@y"), last.prompt());
        assertEquals(4, last.params().width());
        assertEquals(3, last.params().n());
        assertEquals(2, last.params().lengthPenalty());
        assertEquals(EarlyStopping.TRUE, last.params().earlyStopping());
        assertEquals(6, last.params().maxTokens().orElseThrow());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "{\"prompt\": \"a\"                    | JSON",
        "{\"prompt\": \"a\"} {\"prompt\": \"b\"} | no JSON",
        "[1]                                   | no JSON object",
        "{\"max_tokens\": 3}                   | --prompt",
        "{\"prompt\": \"a\", \"ids\": [1]}     | mutually exclusive",
        "{\"prompt\": \"a\", \"wings\": 2}     | --wings",
        "{\"prompt\": \"a\", \"top_p\": 7}     | --top-p must be in [0, 1], was 7",
        "{\"prompt\": \"a\", \"top_p\": null}  | was null",
        "{\"prompt\": \"a\", \"stop\": [[1]]}  | was [1]",
        "{\"ids\": [1, -4]}                    | not negative",
        "{\"prompt\": \"a\", \"n\": 1.5}       | --n",
        "{\"prompt\": \"a\", \"beams\": 2, \"n\": 3} | --n must be in 1 to --beams of 2"})
    void mistakesNameTheirLine(String line, String message) {
        var e = assertThrows(BadInput.class, () -> read("{\"prompt\": \"good\"}\n" + line + "\n"));
        assertTrue(e.getMessage().contains("r.jsonl: line 2: ") && e.getMessage().contains(message), e.getMessage());
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
    }

    @Test
    void anEmptyFileIsAMistake() {
        assertTrue(assertThrows(BadInput.class, () -> read("\n")).getMessage().contains("holds no requests"));
    }
}
