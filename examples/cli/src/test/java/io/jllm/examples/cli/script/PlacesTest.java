package io.jllm.examples.cli.script;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jllm.demo.DemoModel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The script in folders of any name, for any user, where it can be built and where it cannot. */
class PlacesTest {
    /** A user whom the system does not know, and who has no home. */
    private static final String NOBODY = "setpriv --reuid=12345 --regid=12345 --clear-groups ";
    private static final String BUILT_ALREADY = "llm: warning: the sources are newer than what was built of them";

    @TempDir
    private static Path folder;
    private static Shell shell;
    /** The shell's name for where the checkout is now. */
    private static String place = "./c";

    @BeforeAll
    static void build() throws Exception {
        shell = Shell.in(folder);
        shell.run("chmod 755 .").good(); // for others, too
        BuiltCheckout.make(folder.resolve("c"));
    }

    /** Moves the checkout to a folder, as the shell writes it. */
    private static void move(String name) throws Exception {
        String next = "./" + name;
        if (!place.equals(next)) {
            shell.run("mv -- " + place + " " + next).good();
            place = next;
        }
    }

    private static String inspect() {
        return place + "/examples/llm inspect '" + DemoModel.path() + "' --json";
    }

    @ParameterizedTest
    @ValueSource(strings = {"'with  blanks [a-z]*?{b,c} '", "\\'\\\"'$HOME`x`'", "$'\\xc3\\xa4\\xd0\\xb6\\xe8\\xaa\\x9e'", "-dash",
            "'%20+#&;=@ back\\slash'"})
    void foldersOfAnyName(String name) throws Exception {
        move(name);
        assertTrue(shell.run(inspect(), "LANG=C").good().startsWith("{\"format\":\"GGUF file\""));
        // the demo model lies in the folder
        assertEquals(1, shell.run("cd -- " + place + "/examples && ./llm tokenize --text-file cli/target/run-current", "CDPATH=..:/").good()
                .lines().count());
    }

    @Test
    void aColonEndsAnEntryOfTheClassPath() throws Exception {
        move("'a:b c'");
        String line = shell.run(inspect()).bad(1);
        assertTrue(line.contains("a:b c: a colon ends an entry of Java's class path") && line.contains("ln -s"), line);
        shell.run("ln -s 'a:b c' around").good();
        shell.run("around/examples/llm inspect '" + DemoModel.path() + "'").good();
        shell.run("cd around && examples/llm inspect '" + DemoModel.path() + "'").good();
        shell.run("rm around");
    }

    @Test
    void throughLinks() throws Exception {
        move("c");
        shell.run("mkdir -p 'l m' && ln -s ../c/examples/llm 'l m/llm' && ln -s 'l m/llm' llm").good();
        shell.run("./llm inspect '" + DemoModel.path() + "'").good();
        shell.run("cd 'l m' && PATH=.:$PATH && llm inspect '" + DemoModel.path() + "'").good();
    }

    @Test
    void optionsOfTheJvmAreNoPatterns() throws Exception {
        move("c");
        assertTrue(shell.run(inspect(), "JLLM_JAVA_OPTS=-Dx=* -Xmx64m").good().startsWith("{"));
    }

    @Test
    void aUserWithoutNameAndHomeRunsWhatAnotherBuilt() throws Exception {
        asRoot();
        move("c");
        shell.run("cp '" + DemoModel.path() + "' m.gguf; chmod 644 m.gguf; echo once > t; chmod 644 t").good();
        for (String environment : new String[] {"HOME=/", "TMPDIR=/nonexistent"}) {
            assertTrue(shell.run(NOBODY + "c/examples/llm inspect m.gguf --json", environment).good().startsWith("{"));
        }
        assertEquals(1, shell.run(NOBODY + "c/examples/llm run --prompt Once --max-tokens 3 --temperature 0").good().lines().count());
    }

    @Test
    void whatCannotBeBuiltIsSaidOrDoneWithout() throws Exception {
        asRoot();
        move("c");
        shell.run("mkdir -p c/examples/cli/src/main && touch -d '1 hour' c/examples/cli/src/main/New.java && chmod 644 c/examples/cli/src/main/New.java").good();
        try {
            checkWithoutBuild();
        } finally {
            shell.run("chmod 755 c/examples/cli/target; rm -r c/examples/cli/src; mv run-current c/examples/cli/target");
        }
    }

    private static void checkWithoutBuild() throws Exception {
        Shell.Result stale = shell.run(NOBODY + "c/examples/llm inspect '" + DemoModel.path() + "' --help");
        assertTrue(stale.good().startsWith("Usage"));
        assertTrue(stale.err().startsWith(BUILT_ALREADY), stale.err());
        shell.run("mv c/examples/cli/target/run-current .").good();
        String line = shell.run(NOBODY + "c/examples/llm inspect m.gguf").bad(1);
        assertTrue(line.contains("is not built yet") && line.contains("12345 cannot write"), line);
        // a place to write, but no home for Maven
        shell.run("chmod 777 c/examples/cli/target").good();
        line = shell.run(NOBODY + "c/examples/llm inspect m.gguf").bad(1);
        assertTrue(line.contains("MAVEN_OPTS=-Dmaven.repo.local="), line);
    }

    private static void asRoot() throws Exception {
        assumeTrue(shell.run("id -u").out().strip().equals("0") && Shell.has("setpriv") && shell.run(NOBODY + "test -r .").code() == 0,
                "only root can become another user, with setpriv");
        assumeTrue(shell.run(NOBODY + "test -x '" + System.getProperty("java.home") + "/bin/java'").code() == 0
                && shell.run(NOBODY + "test -r '" + DemoModel.path() + "'").code() == 0, "others may not read this JDK or this checkout");
    }

    /** The build as the script does it, with a Maven that compiles nothing: it hands out what this test was given. */
    @Test
    void builtUnderAnyMaskForAllWhoMayReadTheSources(@TempDir Path fresh) throws Exception {
        var here = Shell.in(fresh);
        Path jars = Files.createDirectory(fresh.resolve("jars"));
        BuiltCheckout.jars(jars);
        here.run("chmod 755 . && mkdir -p bin 'a b/examples/demo-model/target' 'a b/examples/cli/src/main'"
                + " && cp '" + BuiltCheckout.sources().resolve("examples/llm") + "' 'a b/examples'"
                + " && cp -R jars/demo-model 'a b/examples/demo-model/target/classes' && (cd 'a b/examples/demo-model/target/classes'"
                + " && \"$JAVA_HOME/bin/jar\" xf ../../../../../jars/demo-classes.jar) && rm -r jars/demo-model && mv jars/demo-classes.jar jars/demo-model-1.jar").good();
        Files.writeString(fresh.resolve("bin/mvn"), """
                #!/bin/sh
                t="$(dirname "$(dirname "$0")")/a b/examples/cli/target"
                mkdir -p "$t/lib"
                cp "$(dirname "$0")"/../jars/*.jar "$t/lib"
                mv "$t/lib/cli.jar" "$t/cli-1.jar"
                """).toFile().setExecutable(true);
        String path = "PATH=" + fresh.resolve("bin") + ":" + System.getenv("PATH");
        String[] settings = {path, "MAVEN_OPTS=-Dmaven.repo.local=none"};
        Shell.Result first = here.run("umask 077; 'a b/examples/llm' run --prompt Once --max-tokens 0 && umask", settings);
        assertEquals("\n0077\n", first.good());
        assertTrue(first.err().startsWith("llm: building"), first.err());
        assertEquals("", here.run("find 'a b/examples/cli/target' -path '*/run-*' ! -name '*.log' '(' -type d ! -perm -755 -o -type f ! -perm -644 ')'").good());
        assertEquals(1, here.run("ls -d 'a b'/examples/cli/target/run-??????/llm.jsa").good().lines().count());
        Shell.Result second = here.run("'a b/examples/llm' inspect --help", settings);
        assertTrue(second.good().startsWith("Usage") && second.err().isEmpty(), second.err());
        Files.writeString(fresh.resolve("bin/mvn"), "#!/bin/sh\necho '[ERROR] no'\nexit 1\n");
        here.run("touch -d '1 hour' 'a b/examples/cli/src/main/New.java'").good();
        Shell.Result failed = here.run("'a b/examples/llm' inspect --help", settings);
        assertEquals(1, failed.code(), failed::toString);
        assertTrue(failed.err().contains("[ERROR] no") && failed.err().contains("the build failed"), failed.err());
        assertEquals(1, here.run("ls -d 'a b'/examples/cli/target/run-??????").good().lines().count());
    }
}
