package io.jllm.tokenizer.huggingface;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.jllm.ModelLoadException;
import io.jllm.tokenizer.GoldenFiles;
import io.jllm.tokenizer.PieceFile;
import io.jllm.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

/** Folders without {@code tokenizer.json}. */
class FolderFilesTest {
    static final List<String> NAMES = GoldenFiles.names();

    @TempDir
    Path folder;

    private void write(String name, String text) throws IOException {
        Files.writeString(folder.resolve(name), text);
    }

    private void write(PieceFile file) throws IOException {
        Files.write(folder.resolve("tokenizer.model"), file.toBytes());
    }

    private Tokenizer load() {
        return HuggingFaceTokenizers.fromFolder(folder);
    }

    @ParameterizedTest
    @FieldSource("NAMES")
    void idsAreThoseOfTheLibraryOfTheFile(String name) throws IOException {
        var golden = GoldenFiles.unpack(name, folder);
        try (Tokenizer tokenizer = load()) {
            for (var c : golden) {
                assertArrayEquals(c.ids(), tokenizer.encode(c.text(), false, true), () -> name + " \"" + c.text() + "\"");
                c.plain().ifPresent(ids -> assertArrayEquals(ids, tokenizer.encode(c.text(), false, false), () -> "plain \"" + c.text() + "\""));
                c.decoded().ifPresent(text -> assertEquals(text, tokenizer.decode(c.ids()), () -> name + " \"" + c.text() + "\""));
            }
        }
    }

    @Test
    void theFirstQwen() throws IOException {
        GoldenFiles.unpack("qwen", folder);
        write("generation_config.json", "{\"eos_token_id\": 7}");
        try (Tokenizer tokenizer = load()) {
            int end = tokenizer.encode("<|endoftext|>")[0];
            assertEquals(Set.of(7, end, end + 2), tokenizer.eos(), "the end of a text and that of a message");
            assertEquals(end + 208, tokenizer.vocabSize());
            assertEquals("<|extra_204|>", tokenizer.token(end + 207));
            assertTrue(tokenizer.isSpecial(end + 207));
            assertFalse(tokenizer.addsBos());
            assertEquals(0, tokenizer.encode("").length);
        }
    }

    /** A token that no merges make comes out where it is a whole piece, as tiktoken has it. */
    @Test
    void ranksWithoutMerges() throws IOException {
        var lines = new StringBuilder();
        for (int b = 0; b < 256; b++) {
            lines.append(Base64.getEncoder().encodeToString(new byte[] {(byte) b})).append(' ').append(b).append('\n');
        }
        write("qwen.tiktoken", lines + "YWJj 256\nYWI= 257\n"); // abc, and ab after it
        try (Tokenizer tokenizer = load()) {
            assertArrayEquals(new int[] {256}, tokenizer.encode("abc"));
            assertArrayEquals(new int[] {257}, tokenizer.encode("ab"));
            assertArrayEquals(new int[] {256, 'x'}, tokenizer.encode("abcx"));
            assertArrayEquals(new int[] {257, 'x', 'b', 'c'}, tokenizer.encode("abxbc"));
        }
        write("qwen.tiktoken", lines + "YWI= 256\nYWJj 258\n");
        refused("ranks must be 0 to 257");
        write("qwen.tiktoken", lines + "YWI= 256\nYWI= 257\n");
        refused("has the token ab twice");
        write("qwen.tiktoken", "QUFB".repeat(400) + " 0\n");
        refused("QUFB...\": ranks must be 0 to 0, each once, and tokens of 1 to 1024 bytes");
        write("qwen.tiktoken", "%% 0\n");
        refused("it must be a token in base 64, a space, and its rank");
        write("qwen.tiktoken", lines.toString());
        write("tokenizer_config.json", "{\"tokenizer_class\": \"OtherTokenizer\"}");
        refused("tokenizer_class is \"OtherTokenizer\", which is not known here for qwen.tiktoken; known is QWenTokenizer");
    }

    private void refused(String message) {
        var e = assertThrows(ModelLoadException.class, this::load);
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    @Test
    void llamasPieces() throws IOException {
        write(PieceFile.of("\u2581a", "a", "b", "\u2581", "\u2581b"));
        try (Tokenizer tokenizer = load()) {
            assertArrayEquals(new int[] {1, 3, 7, 4}, tokenizer.encode("a ba"));
            assertArrayEquals(new int[] {1, 3, 2, 3, 0}, tokenizer.encode("a</s>ax"), "a space before each text");
            assertArrayEquals(new int[] {3, 0, 6, 3}, tokenizer.encode("a</s>  a", false, false), "none of these signs is a piece");
            assertEquals("a ba", tokenizer.decode(new int[] {1, 3, 7, 4, 2}));
            assertEquals(OptionalInt.of(1), tokenizer.bos());
            assertEquals(Set.of(2), tokenizer.eos());
        }
        write("tokenizer_config.json", "{\"tokenizer_class\": \"LlamaTokenizerFast\", \"legacy\": false, \"add_bos_token\": false, \"add_eos_token\": true}");
        try (Tokenizer tokenizer = load()) {
            assertArrayEquals(new int[] {3, 2, 4, 2}, tokenizer.encode("a</s>a"), "a space before the first alone");
        }
        write("tokenizer_config.json", "{\"add_prefix_space\": false}");
        try (Tokenizer tokenizer = load()) {
            assertArrayEquals(new int[] {1, 4, 7, 4, 2, 4}, tokenizer.encode("a ba</s>a"));
            assertEquals(" a", tokenizer.decode(new int[] {1, 3}));
        }
        write("tokenizer_config.json", "{\"bos_token\": null}");
        try (Tokenizer tokenizer = load()) {
            assertEquals(OptionalInt.empty(), tokenizer.bos());
            assertFalse(tokenizer.addsBos());
        }
    }

    /** As InternLM2's: added tokens stand in the places of pieces that are not used. */
    @Test
    void addedTokensTakeThePlacesOfPieces() throws IOException {
        write(PieceFile.of("a", "[UNUSED_TOKEN_1]", "[UNUSED_TOKEN_2]", "\u2581a").normalizer(3, 0));
        write("tokenizer_config.json", """
                {"tokenizer_class": "InternLM2Tokenizer", "eos_token": "</s>", "additional_special_tokens": ["<|new|>", "<|plug|>"], "added_tokens_decoder": {
                 "4": {"content": "<|im_start|>", "special": true}, "5": {"content": "<call>", "special": false},
                 "7": {"content": "<|plug|>"}, "9": {"content": "<far>", "special": true}}}""");
        try (Tokenizer tokenizer = load()) {
            assertArrayEquals(new int[] {1, 4, 3, 5, 9, 10}, tokenizer.encode("<|im_start|>a<call><far><|new|>"));
            assertArrayEquals(new int[] {5}, tokenizer.encode("<call>", false, false));
            assertEquals("[PAD8]", tokenizer.token(8));
            assertTrue(tokenizer.isSpecial(7), "one file says so");
            assertEquals("a<call>", tokenizer.decode(new int[] {1, 4, 3, 5, 9}));
            assertEquals(11, tokenizer.vocabSize());
        }
    }

    @Test
    void chatGlm() throws IOException {
        write(PieceFile.of("s", "o", "p", "\u2581", "\u2581s").normalizer(3, 1));
        write("config.json", "{\"model_type\": \"chatglm\", \"eos_token_id\": 2}");
        try (Tokenizer tokenizer = load()) {
            assertArrayEquals(new int[] {9, 11}, tokenizer.encode(""), "[gMASK] sop");
            assertArrayEquals(new int[] {9, 11, 14, 7, 0}, tokenizer.encode("<|user|>s\n"));
            assertArrayEquals(new int[] {9, 11, 7, 4, 5, 4, 5}, tokenizer.encode("sopop"), "no mark within a word");
            assertEquals(OptionalInt.of(1), tokenizer.bos());
            assertFalse(tokenizer.addsBos());
            assertEquals(Set.of(2, 14, 16), tokenizer.eos(), "and the turn of a user, or of a tool");
            assertEquals(17, tokenizer.vocabSize());
        }
        write("tokenization_chatglm.py", "special_tokens = [\"[MASK]\", \"[gMASK]\", \"[sMASK]\", \"sop\", \"eop\"]\n");
        try (Tokenizer tokenizer = load()) {
            assertEquals(13, tokenizer.vocabSize(), "the second version has no roles");
            assertEquals(Set.of(2), tokenizer.eos());
        }
    }

    @Test
    void t5sPieces() throws IOException {
        var model = PieceFile.of().trainer(3, 1).piece("\u2581a", -1, 1).piece("a", -2, 1).piece("b", -2, 1).piece("ab", -3.5f, 1)
                .piece("\u2581", -3, 1).piece("aab", -9, 1);
        Files.write(folder.resolve("spiece.model"), model.toBytes());
        write("tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": 2}");
        try (Tokenizer tokenizer = load()) {
            assertArrayEquals(new int[] {3, 4, 6, 2}, tokenizer.encode("aaab"), "the likeliest, not the longest nor the first");
            assertArrayEquals(new int[] {7, 0, 2}, tokenizer.encode("xyz"), "one for all that is unknown");
            assertArrayEquals(new int[] {3, 10, 3, 9, 2}, tokenizer.encode("a <extra_id_0> a<extra_id_1>"), "which take the spaces around them");
            assertEquals(11, tokenizer.vocabSize());
            assertFalse(tokenizer.addsBos());
        }
        write("tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": 0, \"add_eos_token\": false}");
        try (Tokenizer tokenizer = load()) {
            assertArrayEquals(new int[] {3}, tokenizer.encode("a"));
            assertEquals(9, tokenizer.vocabSize());
        }
        write("tokenizer_config.json", "{\"tokenizer_class\": \"T5Tokenizer\", \"extra_ids\": -1}");
        refused("extra_ids");
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "trainer; 3; 3; trainer_spec.model_type is 3 (word), which is not known here; known are 1 (unigram) and 2 (BPE)",
        "trainer; 24; 1; trainer_spec.treat_whitespace_as_suffix is true; known is false",
        "trainer; 40; 99; trainer_spec.unk_id is 99; pieces are 0 to 3",
        "normalizer; 5; 0; normalizer_spec.escape_whitespaces is false; known is true",
    })
    void settingsThatAreNotKnown(String part, int field, int value, String message) throws IOException {
        var file = PieceFile.of("a");
        write(part.equals("trainer") ? file.trainer(field, value) : file.normalizer(field, value));
        refused(message);
    }

    @Test
    void brokenModels() throws IOException {
        write(PieceFile.of("a").piece("b", 0, 7));
        refused("has a piece \"b\" of type 7: types are 1 to 6");
        write(PieceFile.of("a", "").normalizer(2, new byte[0]));
        refused("has an empty piece, number 4");
        write(PieceFile.of("a", "b".repeat(1025)));
        refused("token 4 has 1025 characters; where scores say what is merged, one has at most 1024");
        write(PieceFile.of("a").normalizer(2, new byte[] {9, 0, 0, 0, 1}));
        refused("normalizer_spec.precompiled_charsmap is broken: it says that 9 of its 5 bytes are the table");
        write(PieceFile.of("a").other(5, 2, new byte[] {1}));
        refused("denormalizer_spec has a precompiled_charsmap");
        byte[] whole = PieceFile.of("a", "b").toBytes();
        for (int cut : new int[] {1, 5, whole.length - 1}) {
            Files.write(folder.resolve("tokenizer.model"), Arrays.copyOf(whole, cut));
            refused("is no SentencePiece model, or is broken at byte");
        }
        Files.write(folder.resolve("tokenizer.model"), new byte[0]);
        refused("it has no pieces");
        write("tokenizer.model", "IQ== 0\nIg== 1\n");
        refused("is a tiktoken vocabulary and no SentencePiece model");
        write(PieceFile.of("a"));
        write("tokenizer_config.json", "{\"tokenizer_class\": \"BertTokenizer\"}");
        refused("tokenizer_class is \"BertTokenizer\", which is not known here for tokenizer.model; known are BaichuanTokenizer, ChatGLMTokenizer, ");
    }

    @Test
    void mergesOfOtherClasses() throws IOException {
        GoldenFiles.unpack("merges", folder);
        write("tokenizer_config.json", "{\"tokenizer_class\": \"RobertaTokenizer\"}");
        refused("tokenizer_class is \"RobertaTokenizer\", which is not known here for vocab.json with merges.txt; known are CodeGenTokenizer, GPT2Tokenizer, ");
        Files.delete(folder.resolve("tokenizer_config.json"));
        write("config.json", "{\"model_type\": \"gpt2\"}");
        try (Tokenizer tokenizer = load()) {
            int end = tokenizer.encode("<|endoftext|>")[0];
            assertEquals(Set.of(end), tokenizer.eos(), "GPT-2's, since the files name none");
            assertEquals("the", tokenizer.decode(tokenizer.encode("the<|endoftext|>")));
        }
        Files.delete(folder.resolve("merges.txt"));
        refused("tokenizer.json is missing, and so are qwen.tiktoken, tokenizer.model, spiece.model, and vocab.json with merges.txt");
    }
}
