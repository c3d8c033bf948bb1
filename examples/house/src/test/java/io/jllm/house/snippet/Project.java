package io.jllm.house.snippet;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * A project of Maven with one class, {@code Hello}, built without the network: what others published is taken from the repository that the build
 * of this test uses.
 *
 * @param folder     where it lies
 * @param published  the repository with the libraries
 * @param repository what Maven keeps of both; may be shared
 */
record Project(Path folder, Path published, Path repository) {
    /**
     * Builds it.
     *
     * @param versions     elements of {@code dependencyManagement}, with it
     * @param dependencies elements of {@code dependencies}
     * @return the class path that runs it
     */
    String build(String versions, String dependencies, String program) throws IOException, InterruptedException {
        Files.writeString(Files.createDirectories(folder.resolve("src/main/java")).resolve("Hello.java"), program);
        Files.writeString(folder.resolve("settings.xml"), "<settings><mirrors><mirror><id>local</id><url>" + local().toUri()
                + "</url><mirrorOf>central</mirrorOf></mirror></mirrors></settings>");
        Files.writeString(folder.resolve("pom.xml"), """
                <project>
                  <modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>
                  <properties><maven.compiler.release>25</maven.compiler.release><project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
                  <repositories><repository><id>published</id><url>%s</url></repository></repositories>
                  %s
                  <dependencies>%s</dependencies>
                  <build><plugins>
                    <plugin><artifactId>maven-resources-plugin</artifactId><version>3.3.1</version></plugin>
                    <plugin><artifactId>maven-compiler-plugin</artifactId><version>3.14.1</version></plugin>
                    <plugin><artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version></plugin>
                  </plugins></build>
                </project>
                """.formatted(published.toUri(), versions, dependencies));
        Command.run(0, folder, Map.of(), List.of("mvn", "-o", "-q", "-B", "-s", "settings.xml", "-Daether.offline.protocols=file", "-Dmaven.repo.local=" + repository,
                "compile", "dependency:build-classpath", "-Dmdep.outputFile=class.path"));
        return folder.resolve("target/classes") + File.pathSeparator + Files.readString(folder.resolve("class.path")).strip();
    }

    /** The repository of the build that this test is part of. */
    static Path local() {
        return Path.of(System.getProperty("jllm.local"));
    }
}
