package io.jllm.examples.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What needs no model: every mistake gives exit code 2, one line on standard error, and nothing on standard output. */
class UsageTest {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "                                                      | llm: which command? One of run, chat, logits",
        "fly                                                   | llm: Unmatched argument at index 0: 'fly'",
        "run                                                   | (llm run --help",
        "run --prompt a --ids 1                                | --prompt",
        "run --prompt a --wings 2                              | Unknown option",
        "run --prompt a --max-tokens many                      | --max-tokens",
        "run --prompt a --max-tokens -1                        | --max-tokens must be at least 0, was",
        "run --prompt a --temperature -1                       | --temperature must be finite and at least 0, was -1",
        "run --prompt a --temperature NaN                      | --temperature must be",
        "run --prompt a --top-p 2                              | --top-p must be in [0, 1], was 2",
        "run --prompt a --min-p 2                              | --min-p must be in [0, 1], was 2",
        "run --prompt a --top-k -4                             | --top-k must be at least 0",
        "run --prompt a --repetition-penalty 0                 | --repetition-penalty must be",
        "run --prompt a --presence-penalty 3                   | --presence-penalty must be",
        "run --prompt a --frequency-penalty -3                 | --frequency-penalty must be",
        "run --prompt a --logprobs 101                         | --logprobs must be in 0 to 100, was 101",
        "run --prompt a --min-tokens 5 --max-tokens 4          | --min-tokens must be at most",
        "run --prompt a --stop                                 | Missing required parameter for option '--stop'",
        "run --prompt-file absent.txt                          | there is no file absent.txt",
        "run --prompt a --model absent.gguf                    | there is no model absent.gguf",
        "run --prompt a --kv-type f64                          | --kv-type",
        "run --ids 1,x                                         | 'x' is no token id",
        "run --ids 1,-2                                        | not negative",
        "logits                                                | --ids",
        "logits --ids 1 --model absent.gguf                    | there is no model absent.gguf",
        "tokenize                                              | --text-file",
        "render                                                | give --messages F.json",
        "render --messages a --vars b                          | give --messages F.json",
        "render --messages absent.json                         | there is no file absent.json",
        "tokenize --text-file absent.txt                       | there is no file absent.txt",
        "chat --tools absent.json                              | there is no file absent.json",
        "chat --tool-choice required                           | needs tools",
        "chat --tool-choice fly                                | auto, none, required or the name of a tool",
        "chat --temperature -1                                 | --temperature",
        "grammar                                               | --check",
        "grammar --check absent.gbnf                            | there is no file absent.gbnf",
        "run --prompt a --regex a --choices b,c                 | exclude each other",
        "run --prompt a --regex (?=a)                           | look",
        "embed --text-file absent.txt                          | there is no file absent.txt",
        "embed --text-file absent.txt --pooling max            | pooling",
        "tokenize --text-file a --whole --jsonl                | exclude each other",
        "perplexity --text absent.txt                          | there is no file absent.txt",
        "run --prompt a --model=                               | the name of a file is empty",
        "inspect                                               | FILE|DIR",
        "inspect absent.gguf                                   | there is no file or folder absent.gguf",
        "quantize a.gguf                                       | OUT.gguf",
        "quantize a.gguf b.gguf                                | --type",
        "quantize a.gguf b.gguf --type Q9                      | --type must be one of",
        "quantize absent.gguf b.gguf --type Q4_0               | there is no model absent.gguf",
        "quantize a.gguf b.gguf --type Q4_K_M --threads 0      | threads must be 1 to 256, was 0",
        "quantize a.gguf b.gguf --type Q4_0 --tensor-type a    | \"a\" must be REGEX=TYPE, such as ffn_down=Q6_K",
        "quantize a.gguf b.gguf --type Q4_0 --tensor-type a=IQ9 | tensors can be written as [",
        "quantize a.gguf b.gguf --type Q4_0 --imatrix absent.dat | there is no file absent.dat",
        "quantize a b --method gguf                            | --method must be gptq, awq or rtn, was gguf",
        "quantize a b --method gptq                            | needs a --text",
        "quantize a b --method gptq --type Q4_0                | --type, --pure, --imatrix and --tensor-type are for GGUF files",
        "quantize a b --method awq --bits 3                    | --bits: for --method gptq or rtn, not for awq",
        "quantize a b --method awq --act-order --damping 0.1   | --act-order, --damping: for --method gptq, not for awq",
        "quantize a b --method rtn --text t                    | --text: for --method gptq or awq, not for rtn",
        "quantize a b --method gptq --no-clip                  | --no-clip: for --method awq, not for gptq",
        "quantize a b --method rtn --bits 5                    | numbers of 2, 3, 4 or 8 bits, not of 5",
        "quantize a b --method rtn --group-size 0              | groups must have at least 1 column, or -1 for all, not 0",
        "quantize a b --method gptq --damping 2                | the damping must be above 0, and 1 at most, was 2",
        "quantize a b --method rtn                             | there is no model a",
        "quantize a b --type Q4_0 --group-size 32              | --group-size: for folders of --method gptq, awq or rtn",
        "quantize a b --type Q4_0 --kernels scalar             | --kernels goes with --method",
        "bench --batch 0                                       | --batch must be in 1 to 256, was 0",
        "serve --port 70000                                    | port must be in 0 to",
        "serve --model x=no-such-file                          | there is no model no-such-file",
        "serve --adapter no-such-folder                        | --adapter must be [MODEL:]NAME=DIR|FILE, was no-such-folder",
        "serve --adapter x=no-such-folder                      | there is no adapter no-such-folder",
        "serve --adapter other:x=no-such-folder                | say for which model as MODEL:NAME=DIR|FILE",
        "run --prompt a --adapter no-such-folder               | there is no adapter no-such-folder",
        "serve --alias x                                       | --alias must be NAME=MODEL, was x",
        "serve --alias x=y                                     | the name x is for the model y, which is not served",
        "serve --pin y                                         | the pinned model y is not served",
        "serve --load-timeout 0                                | --load-timeout must be at least 1, was 0",
        "serve --ssl-keyfile key.pem                           | --ssl-certfile and --ssl-keyfile belong together",
        "soak --requests 0                                     | --requests must be in 1 to",
        "soak --threads 0                                      | --threads must be in 1 to",
        "soak --context 16                                     | --context must be in 32 to",
        "bench --clients 0                                     | --clients must be in 1 to 4096, was 0",
        "bench --clients 2 --batch 2                           | --batch cannot be combined",
        "bench --requests absent.jsonl                         | there is no file absent.jsonl",
        "bench --requests absent.jsonl --depth 4               | --depth cannot be combined with --requests",
        "bench --prompt-tokens -1                              | --prompt-tokens must be in 0 to",
        "bench --repetitions 0                                 | --repetitions must be in 1 to",
        "bench --model absent.gguf                             | there is no model absent.gguf"})
    void mistakes(String args, String message) {
        String line = CliRun.bad(2, args == null ? new String[0] : args.split(" +"));
        assertTrue(line.startsWith("llm"), line);
        assertTrue(line.contains(message), line);
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "run --help", "chat --help", "logits -h", "tokenize --help", "render --help", "grammar --help", "embed --help",
        "perplexity --help", "inspect --help",
        "quantize --help", "bench --help", "soak --help", "serve --help", "deploy --help"})
    void help(String args) {
        CliRun run = CliRun.of(args.split(" "));
        assertEquals(0, run.code(), run.err());
        assertTrue(run.out().contains("Usage: llm"), run.out());
        assertEquals("", run.err());
    }

    @Test
    void debugShowsWhere() {
        CliRun run = CliRun.of("inspect", "absent.gguf", "--debug");
        assertEquals(2, run.code());
        assertTrue(run.err().contains("at io.jllm.examples.cli.command.InspectCommand"), run.err());
    }

    @Test
    void brokenModelsAreBadInput() throws Exception {
        Path file = Files.writeString(folder.resolve("model.gguf"), "no model at all");
        for (String command : new String[] {"run --prompt a --model", "inspect", "bench --model", "logits --ids 1 --model"}) {
            String line = CliRun.bad(2, (command + " " + file).split(" "));
            assertTrue(line.contains("model.gguf"), line);
        }
        assertTrue(CliRun.bad(2, "inspect", folder.toString()).contains("no Hugging Face folder"));
        assertTrue(CliRun.bad(2, "run", "--prompt", "a", "--model", folder.toString()).contains("config.json"));
    }

    @Test
    void textThatIsNoTextIsBadInput() throws Exception {
        Path file = Files.write(folder.resolve("t.txt"), new byte[] {'a', 'b', (byte) 0xc3, 'c'});
        String line = CliRun.bad(2, "run", "--prompt-file", file.toString());
        assertTrue(line.contains("not UTF-8 text: byte 2 is 0xc3"), line);
        assertTrue(CliRun.bad(2, "tokenize", "--text-file", folder.toString()).contains("is a folder"));
    }

    @Test
    void jsonLinesMustBeStrings() throws Exception {
        for (String bad : new String[] {"[1]", "abc", "\"a", "\"a\" \"b\"", "", "1"}) {
            Path file = Files.writeString(folder.resolve("t.jsonl"), "\"good\"\n" + bad + "\n");
            String line = CliRun.bad(2, "tokenize", "--jsonl", "--text-file", file.toString());
            assertTrue(line.contains("line 2"), line);
        }
    }
}
