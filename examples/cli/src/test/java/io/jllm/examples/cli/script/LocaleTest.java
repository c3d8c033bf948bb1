package io.jllm.examples.cli.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonParser;
import io.jllm.demo.DemoModel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts and names of files are those that were typed, in any locale: one that is there, one that is not, one of other bytes, none. */
class LocaleTest {
    @TempDir
    private static Path folder;
    private static Shell shell;

    /** The letters of "model" in Cyrillic. */
    private static final String MODEL = "$'\\xd0\\xbc\\xd0\\xbe\\xd0\\xb4\\xd0\\xb5\\xd0\\xbb\\xd1\\x8c.gguf'";
    private static final String KOENIG = "$'K\\xc3\\xb6nig'";
    private static final String IDS = "[0,43,128,115,78,504]";
    private static final String RUN = "examples/llm run --max-tokens 0 --json ";

    @BeforeAll
    static void build() throws Exception {
        shell = Shell.in(folder);
        BuiltCheckout.make(folder);
        shell.run("ln -s '" + DemoModel.path() + "' " + MODEL + "; printf 'K\\xc3\\xb6nig' > $'pr\\xc3\\xbc.txt'").good();
    }

    @AfterAll
    static void clean() throws Exception {
        shell.run("rm -rf bin *.gguf");
    }

    @ParameterizedTest
    @ValueSource(strings = {"A=", "LANG=en_US.UTF-8", "LC_ALL=de_DE.UTF-8", "LC_CTYPE=UTF-8", "LC_ALL=", "LC_ALL=POSIX", "LC_ALL=C.UTF-8",
        "LANG=de_DE.ISO-8859-1", "LANG=ja_JP.SJIS", "LC_ALL=no_such", "LC_CTYPE=C.UTF-8 LANG=xx_XX.UTF-8", "LC_CTYPE=C LANG=C.UTF-8"})
    void textsAndNamesArriveAsTheyWereTyped(String locale) throws Exception {
        String file = shell.run("examples/llm tokenize --whole --model " + MODEL + " --text-file $'pr\\xc3\\xbc.txt'", locale.split(" ")).good();
        assertEquals(IDS, "[" + file.strip().replace(' ', ',') + "]");
    }

    @Test
    void promptsArriveAsTheyWereTyped() throws Exception {
        String out = shell.run(RUN + "--model " + MODEL + " --prompt " + KOENIG, "LANG=en_US.UTF-8").good();
        assertEquals(IDS, JsonParser.parseString(out).getAsJsonObject().get("prompt_ids").toString());
    }

    @Test
    void whatIsWrittenHasTheNameThatWasTypedAndOutputIsUtf8() throws Exception {
        shell.run("examples/llm quantize --type Q8_0 " + MODEL + " $'\\xe8\\xaa\\x9e.gguf' && test -s $'\\xe8\\xaa\\x9e.gguf'", "LANG=C").good();
        String shown = shell.run("examples/llm inspect $'\\xe8\\xaa\\x9e.gguf'", "LC_ALL=POSIX").good();
        assertTrue(shown.contains("\u0120"), shown); // of tokenizer.ggml.merges
        String missing = shell.run("examples/llm inspect $'\\xe8\\xaa\\x9e.absent'", "LANG=C").bad(2);
        assertTrue(missing.contains("\u8a9e.absent"), missing);
    }

    /** In a locale that the system really has, and whose bytes are not those of UTF-8, bytes of UTF-8 are still what they are. */
    @Test
    void otherBytesOfALocaleThatIsThere() throws Exception {
        assumeTrue(Shell.has("localedef") && shell.run("mkdir -p l && localedef -i de_DE -f ISO-8859-1 l/de_DE.ISO-8859-1; test -d "
                + "l/de_DE.ISO-8859-1")
                .code() == 0, "localedef cannot make a locale of ISO-8859-1 here");
        String out = shell.run(RUN + "--model " + MODEL + " --prompt " + KOENIG, "LC_ALL=de_DE.ISO-8859-1", "LOCPATH=" + folder.resolve("l")).good();
        assertEquals(IDS, JsonParser.parseString(out).getAsJsonObject().get("prompt_ids").toString());
    }

    @Test
    void whatIsNotUtf8IsRefused() throws Exception {
        String line = shell.run("examples/llm run --prompt $'K\\xf6nig'").bad(2);
        assertTrue(line.contains("argument 3 is not UTF-8") && line.contains("byte 1 is 0xf6"), line);
        line = shell.run("examples/llm inspect $'\\xff.gguf'", "LANG=de_DE.ISO-8859-1").bad(2);
        assertTrue(line.contains("argument 2 is not UTF-8"), line);
        line = shell.run("examples/llm run --prompt $'a\\xed\\xa0\\x80'").bad(2); // half a surrogate pair
        assertTrue(line.contains("byte 1 is 0xed"), line);
    }

    @Test
    void theReplacementCharacterCanBeTyped() throws Exception {
        String typed = shell.run(RUN + "--prompt $'a\\xef\\xbf\\xbd\\xf0\\x9f\\x90\\x8e'").good();
        Files.write(folder.resolve("p"), "a\ufffd\ud83d\udc0e".getBytes(StandardCharsets.UTF_8));
        String read = shell.run(RUN + "--prompt-file p").good();
        assertEquals(JsonParser.parseString(read).getAsJsonObject().get("prompt_ids"), JsonParser.parseString(typed).getAsJsonObject()
                .get("prompt_ids"));
    }

    /** As on Alpine. */
    @Test
    void withoutTheProgramLocale() throws Exception {
        String path = tools("locale");
        String out = shell.run(RUN + "--model " + MODEL + " --prompt " + KOENIG, "LANG=en_US.UTF-8", "PATH=" + path).good();
        assertEquals(IDS, JsonParser.parseString(out).getAsJsonObject().get("prompt_ids").toString());
    }

    /** A system that has no locale of UTF-8 at all: prompts arrive, and names must be of ASCII. */
    @Test
    void whereNoLocaleHoldsAllCharacters() throws Exception {
        String path = tools("locale");
        Files.writeString(folder.resolve("bin/locale"), "#!/bin/sh\n[ \"$1\" = charmap ] && echo ANSI_X3.4-1968\nexit 0\n").toFile()
                .setExecutable(true);
        String out = shell.run(RUN + "--prompt " + KOENIG, "LC_ALL=C", "PATH=" + path).good();
        assertEquals(IDS, JsonParser.parseString(out).getAsJsonObject().get("prompt_ids").toString());
        String line = shell.run("examples/llm inspect " + MODEL, "LC_ALL=C", "PATH=" + path).bad(2);
        assertTrue(line.contains("\u043c\u043e\u0434\u0435\u043b\u044c.gguf") && line.contains("UTF-8 locale"), line);
    }

    /** A folder of the tools that there are everywhere, but one. */
    private static String tools(String without) throws Exception {
        String all = "basename bash cat cut dirname env find grep head id locale readlink sed sh sort touch tr uname";
        shell.run("rm -rf bin; mkdir bin; for t in " + all.replace(without, "") + "; do p=$(type -P $t) && ln -s \"$p\" bin; done").good();
        return folder.resolve("bin").toString();
    }
}
