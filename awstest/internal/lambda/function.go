package lambda

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/sqs-dlq/sqs-dlq/awstest/internal/wire"
)

// functionKey names a function.
type functionKey struct {
	place
	name string
}

func (k functionKey) arn() string { return k.arnOf("function:" + k.name) }

// function is one function, in its only version, $LATEST.
type function struct {
	key      functionKey
	spec     spec
	code     code
	modified string
	revision string
	tags     map[string]string
	policy   map[string]json.RawMessage // statements by id
	reserved *int                       // concurrency, nil if none is reserved

	stream   string            // of its logs, a part of the name
	unpacked map[string]string // directories of its code by digest

	// placeholder says that the function exists for its handler only, and may be created
	placeholder bool
	handler     Handler // a Go function that stands in for the code, nil if none does
	running     int     // invocations under way
}

// spec is what a function can be configured to be.
type spec struct {
	Runtime, Handler, Role, Description, KMSKeyArn string

	Timeout, MemorySize, Storage int // seconds, MB, MB
	Variables                    map[string]string
	Architectures                []string
	DeadLetterARN                string
	Tracing                      string
	Logging                      logging
	Layers                       []string
}

type environmentShape struct{ Variables map[string]string }

type deadLetterConfig struct{ TargetArn string }

type tracingConfig struct{ Mode string }

type ephemeralStorage struct{ Size int }

type logging struct {
	LogFormat           string
	LogGroup            string
	ApplicationLogLevel string `json:",omitempty"`
	SystemLogLevel      string `json:",omitempty"`
}

type snapStart struct{ ApplyOn, OptimizationStatus string }

type runtimeVersion struct{ RuntimeVersionArn string }

type vpcConfig struct {
	SubnetIds        []string
	SecurityGroupIds []string
	VpcID            string `json:"VpcId"`
}

// configuration is a function as operations return it.
type configuration struct {
	FunctionName         string
	FunctionArn          string
	Runtime              string `json:",omitempty"`
	Role                 string
	Handler              string `json:",omitempty"`
	CodeSize             int
	Description          string
	Timeout              int
	MemorySize           int
	LastModified         string
	CodeSha256           string
	Version              string
	Environment          *environmentShape `json:",omitempty"`
	DeadLetterConfig     *deadLetterConfig `json:",omitempty"`
	KMSKeyArn            string            `json:",omitempty"`
	TracingConfig        tracingConfig
	RevisionID           string `json:"RevisionId"`
	State                string
	LastUpdateStatus     string
	PackageType          string
	Architectures        []string
	EphemeralStorage     ephemeralStorage
	SnapStart            snapStart
	RuntimeVersionConfig runtimeVersion
	LoggingConfig        logging

	created bool
}

// HTTPStatus is 201 for what has just been created.
func (c *configuration) HTTPStatus() int {
	if c.created {
		return http.StatusCreated
	}
	return http.StatusOK
}

// describe describes the function. It is called with s.mu held.
func (f *function) describe() *configuration {
	c := &configuration{
		FunctionName: f.key.name, FunctionArn: f.key.arn(), Runtime: f.spec.Runtime, Role: f.spec.Role, Handler: f.spec.Handler,
		CodeSize: f.code.size, Description: f.spec.Description, Timeout: f.spec.Timeout, MemorySize: f.spec.MemorySize,
		LastModified: f.modified, CodeSha256: f.code.sha256, Version: latest, KMSKeyArn: f.spec.KMSKeyArn,
		TracingConfig: tracingConfig{f.spec.Tracing}, RevisionID: f.revision, State: "Active", LastUpdateStatus: "Successful",
		PackageType: "Zip", Architectures: f.spec.Architectures, EphemeralStorage: ephemeralStorage{f.spec.Storage},
		SnapStart:            snapStart{"None", "Off"},
		RuntimeVersionConfig: runtimeVersion{"arn:" + wire.Partition(f.key.region) + ":lambda:" + f.key.region + "::runtime:" + strings.Repeat("0", 64)},
		LoggingConfig:        f.spec.Logging,
	}
	if len(f.spec.Variables) > 0 {
		c.Environment = &environmentShape{maps.Clone(f.spec.Variables)}
	}
	if f.spec.DeadLetterARN != "" {
		c.DeadLetterConfig = &deadLetterConfig{f.spec.DeadLetterARN}
	}
	return c
}

// latest is the version that functions have.
const latest = "$LATEST"

// configurationInput is what CreateFunction and UpdateFunctionConfiguration take alike.
type configurationInput struct {
	Runtime           *string
	Handler           *string
	Role              *string
	Description       *string
	KMSKeyArn         *string
	Timeout           *int
	MemorySize        *int
	Environment       *environmentShape
	DeadLetterConfig  *deadLetterConfig
	TracingConfig     *tracingConfig
	EphemeralStorage  *ephemeralStorage
	LoggingConfig     *logging
	Layers            []string
	VpcConfig         *vpcConfig
	FileSystemConfigs []struct{ Arn string }
	ImageConfig       *struct{ WorkingDirectory string }
	SnapStart         *struct{ ApplyOn string }
}

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9-_]{1,64}$`)

var rolePattern = regexp.MustCompile(`^arn:(aws|aws-cn|aws-us-gov):iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$`)

// apply returns the spec with what the input changes.
func (in *configurationInput) apply(s *Service, key functionKey, old spec) (spec, error) {
	out := old
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&out.Runtime, in.Runtime)
	set(&out.Handler, in.Handler)
	set(&out.Role, in.Role)
	set(&out.Description, in.Description)
	set(&out.KMSKeyArn, in.KMSKeyArn)
	if in.Timeout != nil {
		if out.Timeout = *in.Timeout; out.Timeout < 1 || out.Timeout > 900 {
			return out, constraint(out.Timeout, "timeout", "Member must have value between 1 and 900")
		}
	}
	if in.MemorySize != nil {
		if out.MemorySize = *in.MemorySize; out.MemorySize < 128 || out.MemorySize > 10240 {
			return out, constraint(out.MemorySize, "memorySize", "Member must have value between 128 and 10240")
		}
	}
	if in.EphemeralStorage != nil {
		if out.Storage = in.EphemeralStorage.Size; out.Storage < 512 || out.Storage > 10240 {
			return out, constraint(out.Storage, "ephemeralStorage.size", "Member must have value between 512 and 10240")
		}
	}
	if in.Environment != nil {
		if err := checkVariables(in.Environment.Variables); err != nil {
			return out, err
		}
		out.Variables = maps.Clone(in.Environment.Variables)
	}
	if in.DeadLetterConfig != nil {
		out.DeadLetterARN = in.DeadLetterConfig.TargetArn
	}
	if in.TracingConfig != nil && in.TracingConfig.Mode != "" {
		out.Tracing = in.TracingConfig.Mode
	}
	if in.LoggingConfig != nil {
		out.Logging = *in.LoggingConfig
		if out.Logging.LogFormat == "" {
			out.Logging.LogFormat = "Text"
		}
		if out.Logging.LogGroup == "" {
			out.Logging.LogGroup = "/aws/lambda/" + key.name
		}
	}
	switch {
	case in.ImageConfig != nil:
		return out, notServed("Container images are")
	case len(in.Layers) > 0:
		return out, notServed("Layers are")
	case len(in.FileSystemConfigs) > 0:
		return out, notServed("File systems are")
	case in.VpcConfig != nil && len(in.VpcConfig.SubnetIds) > 0:
		return out, notServed("Networks (VpcConfig) are")
	case in.SnapStart != nil && in.SnapStart.ApplyOn == "PublishedVersions":
		return out, notServed("SnapStart is")
	case out.Tracing != "PassThrough" && out.Tracing != "Active":
		return out, constraint(out.Tracing, "tracingConfig.mode", "Member must satisfy enum value set: [Active, PassThrough]")
	case out.Runtime == "":
		return out, invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case out.Handler == "":
		return out, invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	case len(out.Handler) > 128:
		return out, constraint(out.Handler, "handler", "Member must have length less than or equal to 128")
	case utf8.RuneCountInString(out.Description) > 256:
		return out, constraint(out.Description, "description", "Member must have length less than or equal to 256")
	case !rolePattern.MatchString(out.Role):
		return out, constraint(out.Role, "role", `Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`)
	}
	if in.Role != nil && s.opts.Roles != nil && !s.opts.Roles.Trusts(out.Role, "lambda.amazonaws.com") {
		return out, invalid("The role defined for the function cannot be assumed by Lambda.")
	}
	return out, nil
}

var variablePattern = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*$`)

// maxVariables bounds the environment variables of a function, in bytes. [Lambda quotas]
const maxVariables = 4 << 10

// reserved are the environment variables that Lambda sets itself. [Lambda developer guide,
// "Defined runtime environment variables"]
func reservedVariables() []string {
	return []string{
		"_HANDLER", "_X_AMZN_TRACE_ID", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
		"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
		"AWS_SECRET_KEY", "AWS_SESSION_TOKEN", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT",
	}
}

func checkVariables(variables map[string]string) error {
	var taken []string
	size := 0
	for name, value := range variables {
		size += len(name) + len(value)
		if slices.Contains(reservedVariables(), name) {
			taken = append(taken, name)
		}
		if !variablePattern.MatchString(name) && !slices.Contains(reservedVariables(), name) {
			return constraint(name, "environment.variables", "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]")
		}
		if strings.ContainsRune(value, 0) {
			return invalid("The environment variable %s holds a NUL.", name)
		}
	}
	if len(taken) > 0 {
		sort.Strings(taken)
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: %s", strings.Join(taken, ", "))
	}
	if size > maxVariables {
		return invalid("Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: %d bytes", size)
	}
	return nil
}

// defaults is what a new function is, but for what it must be told.
func defaults(key functionKey) spec {
	return spec{
		Timeout: 3, MemorySize: 128, Storage: 512, Architectures: []string{"x86_64"}, Tracing: "PassThrough",
		Logging: logging{LogFormat: "Text", LogGroup: "/aws/lambda/" + key.name},
	}
}

// parseName reads a function's name: bare, or an ARN, whole or from the account on, with
// or without a qualifier.
func parseName(c *wire.Call, name, qualifier string) (functionKey, error) {
	key := functionKey{place{c.Account, c.Region}, name}
	parts := strings.Split(name, ":")
	switch {
	case len(parts) >= 7 && parts[0] == "arn" && parts[2] == "lambda" && parts[5] == "function":
		key = functionKey{place{parts[4], parts[3]}, parts[6]}
		parts = parts[7:]
	case len(parts) >= 3 && parts[1] == "function":
		key = functionKey{place{parts[0], c.Region}, parts[2]}
		parts = parts[3:]
	default:
		key.name = parts[0]
		parts = parts[1:]
	}
	if len(parts) == 1 && qualifier == "" {
		qualifier, parts = parts[0], nil
	}
	if !namePattern.MatchString(key.name) || len(parts) > 0 {
		return key, constraint(name, "functionName", `Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`)
	}
	if qualifier != "" && qualifier != latest {
		return key, notFound("Function not found: %s:%s", key.arn(), qualifier)
	}
	return key, nil
}

// find returns the function of a name. It is called with s.mu held.
func (s *Service) find(c *wire.Call, name, qualifier string) (*function, error) {
	key, err := parseName(c, name, qualifier)
	if err != nil {
		return nil, err
	}
	if f := s.functions[key]; f != nil {
		return f, nil
	}
	return nil, notFound("Function not found: %s", key.arn())
}

// edit calls fn with a function while s.mu is held.
func (s *Service) edit(c *wire.Call, name, qualifier string, fn func(f *function) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.find(c, name, qualifier)
	if err != nil {
		return err
	}
	return fn(f)
}

// touch notes a change of the function. It is called with s.mu held.
func (s *Service) touch(f *function) {
	f.modified, f.revision = stamp(s.clk.Now()), wire.NewUUID()
}

type createFunctionInput struct {
	configurationInput
	FunctionName         string
	PackageType          string
	Publish              bool
	Architectures        []string
	Code                 codeInput
	Tags                 map[string]string
	CodeSigningConfigArn string
}

func (s *Service) createFunction(_ context.Context, c *wire.Call, in *createFunctionInput) (*configuration, error) {
	key, err := parseName(c, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	switch {
	case in.PackageType == "Image":
		return nil, notServed("Container images are")
	case in.Publish:
		return nil, notServed("Versions of functions are")
	case in.CodeSigningConfigArn != "":
		return nil, notServed("Code signing is")
	}
	conf, err := in.apply(s, key, defaults(key))
	if err != nil {
		return nil, err
	}
	if err := checkArchitectures(in.Architectures); err != nil {
		return nil, err
	}
	if len(in.Architectures) > 0 {
		conf.Architectures = in.Architectures
	}
	code, err := in.Code.read()
	if err != nil {
		return nil, err
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.functions[key]; old != nil && !old.placeholder {
		return nil, conflict("Function already exist: %s", key.name)
	}
	if len(s.functions) >= maxFunctions {
		return nil, lambdaError(http.StatusBadRequest, "CodeStorageExceededException", "This endpoint holds %d functions at most.", maxFunctions)
	}
	if s.codeBytes()+code.size > maxCodeStorage {
		return nil, lambdaError(http.StatusBadRequest, "CodeStorageExceededException", "Code storage limit exceeded.")
	}
	f := newFunction(key, conf)
	f.code, f.tags, f.handler = code, tags, s.handlers[key]
	s.touch(f)
	s.functions[key] = f
	out := f.describe()
	out.created = true
	return out, nil
}

func newFunction(key functionKey, conf spec) *function {
	return &function{key: key, spec: conf, policy: map[string]json.RawMessage{}, stream: strings.ReplaceAll(wire.NewUUID(), "-", "")}
}

func checkArchitectures(list []string) error {
	for _, a := range list {
		if a != "x86_64" && a != "arm64" || len(list) > 1 {
			return constraint("["+strings.Join(list, ", ")+"]", "architectures", "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]")
		}
	}
	return nil
}

type functionInput struct {
	FunctionName string `path:"FunctionName"`
	Qualifier    string `qs:"Qualifier"`
}

type codeLocation struct{ RepositoryType, Location string }

type concurrency struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

type getFunctionOutput struct {
	Configuration *configuration
	Code          codeLocation
	Tags          map[string]string `json:",omitempty"`
	Concurrency   *concurrency      `json:",omitempty"`
}

func (s *Service) getFunction(_ context.Context, c *wire.Call, in *functionInput) (out *getFunctionOutput, err error) {
	err = s.edit(c, in.FunctionName, in.Qualifier, func(f *function) error {
		out = &getFunctionOutput{
			Configuration: f.describe(), Tags: maps.Clone(f.tags),
			Code: codeLocation{"S3", "https://awslambda-" + f.key.region + "-tasks.s3." + f.key.region + ".amazonaws.com/snapshots/" + f.key.account + "/" + f.key.name},
		}
		if f.reserved != nil {
			out.Concurrency = &concurrency{new(*f.reserved)}
		}
		return nil
	})
	return out, err
}

func (s *Service) getFunctionConfiguration(_ context.Context, c *wire.Call, in *functionInput) (out *configuration, err error) {
	err = s.edit(c, in.FunctionName, in.Qualifier, func(f *function) error {
		out = f.describe()
		return nil
	})
	return out, err
}

type noContent struct{}

// HTTPStatus is that of answers without a body.
func (*noContent) HTTPStatus() int { return http.StatusNoContent }

func (s *Service) deleteFunction(_ context.Context, c *wire.Call, in *functionInput) (*noContent, error) {
	var gone *function
	err := s.edit(c, in.FunctionName, in.Qualifier, func(f *function) error {
		delete(s.functions, f.key)
		gone = f
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.processes.retire(gone)
	s.clean(gone)
	return &noContent{}, nil
}

type listFunctionsInput struct {
	Marker   string `qs:"Marker"`
	MaxItems *int   `qs:"MaxItems"`
}

type listFunctionsOutput struct {
	Functions  []*configuration
	NextMarker string `json:",omitempty"`
}

func (s *Service) listFunctions(_ context.Context, c *wire.Call, in *listFunctionsInput) (*listFunctionsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*function
	for _, f := range s.functions {
		if f.key.place == (place{c.Account, c.Region}) {
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b *function) int { return strings.Compare(a.key.name, b.key.name) })
	part, next, err := cut(all, in.Marker, in.MaxItems, 50)
	if err != nil {
		return nil, err
	}
	out := &listFunctionsOutput{Functions: []*configuration{}, NextMarker: next}
	for _, f := range part {
		out.Functions = append(out.Functions, f.describe())
	}
	return out, nil
}

type updateFunctionConfigurationInput struct {
	configurationInput
	FunctionName string `path:"FunctionName"`
	RevisionID   string `json:"RevisionId"`
}

func (s *Service) updateFunctionConfiguration(_ context.Context, c *wire.Call, in *updateFunctionConfigurationInput) (out *configuration, err error) {
	var changed *function
	// twice, since roles are asked without the lock
	var old spec
	err = s.edit(c, in.FunctionName, "", func(f *function) error {
		old, changed = f.spec, f
		return f.checkRevision(in.RevisionID)
	})
	if err != nil {
		return nil, err
	}
	conf, err := in.apply(s, changed.key, old)
	if err != nil {
		return nil, err
	}
	err = s.edit(c, in.FunctionName, "", func(f *function) error {
		f.spec = conf
		s.touch(f)
		out, changed = f.describe(), f
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.processes.retire(changed)
	return out, nil
}

func (f *function) checkRevision(id string) error {
	if id != "" && id != f.revision {
		return lambdaError(http.StatusPreconditionFailed, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	}
	return nil
}

type updateFunctionCodeInput struct {
	codeInput
	FunctionName  string `path:"FunctionName"`
	Architectures []string
	Publish       bool
	DryRun        bool
	RevisionID    string `json:"RevisionId"`
}

func (s *Service) updateFunctionCode(_ context.Context, c *wire.Call, in *updateFunctionCodeInput) (out *configuration, err error) {
	if in.Publish {
		return nil, notServed("Versions of functions are")
	}
	if err := checkArchitectures(in.Architectures); err != nil {
		return nil, err
	}
	code, err := in.read()
	if err != nil {
		return nil, err
	}
	var changed *function
	err = s.edit(c, in.FunctionName, "", func(f *function) error {
		if err := f.checkRevision(in.RevisionID); err != nil {
			return err
		}
		if s.codeBytes()-f.code.size+code.size > maxCodeStorage {
			return lambdaError(http.StatusBadRequest, "CodeStorageExceededException", "Code storage limit exceeded.")
		}
		if !in.DryRun {
			f.code = code
			if len(in.Architectures) > 0 {
				f.spec.Architectures = in.Architectures
			}
			s.touch(f)
			changed = f
		}
		out = f.describe()
		return nil
	})
	if err != nil {
		return nil, err
	}
	if changed != nil {
		s.processes.retire(changed)
		s.clean(changed)
	}
	return out, nil
}

type codeSigningOutput struct{ FunctionName string }

// getFunctionCodeSigningConfig says that there is none.
func (s *Service) getFunctionCodeSigningConfig(_ context.Context, c *wire.Call, in *functionInput) (out *codeSigningOutput, err error) {
	err = s.edit(c, in.FunctionName, "", func(f *function) error {
		out = &codeSigningOutput{f.key.name}
		return nil
	})
	return out, err
}

type listVersionsOutput struct{ Versions []*configuration }

func (s *Service) listVersionsByFunction(_ context.Context, c *wire.Call, in *functionInput) (out *listVersionsOutput, err error) {
	err = s.edit(c, in.FunctionName, "", func(f *function) error {
		d := f.describe()
		d.FunctionArn += ":" + latest
		out = &listVersionsOutput{[]*configuration{d}}
		return nil
	})
	return out, err
}

type putConcurrencyInput struct {
	FunctionName                 string `path:"FunctionName"`
	ReservedConcurrentExecutions *int
}

// unreserved is how many invocations of an account can't be reserved. [Lambda quotas]
const unreserved = 100

func (s *Service) putFunctionConcurrency(_ context.Context, c *wire.Call, in *putConcurrencyInput) (*concurrency, error) {
	n := in.ReservedConcurrentExecutions
	if n == nil || *n < 0 {
		return nil, constraint("", "reservedConcurrentExecutions", "Member must have value greater than or equal to 0")
	}
	return &concurrency{n}, s.edit(c, in.FunctionName, "", func(f *function) error {
		others := 0
		for _, o := range s.functions {
			if o != f && o.key.place == f.key.place && o.reserved != nil {
				others += *o.reserved
			}
		}
		if others+*n > maxConcurrent-unreserved {
			return invalid("Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [%d].", unreserved)
		}
		f.reserved = new(*n)
		return nil
	})
}

func (s *Service) getFunctionConcurrency(_ context.Context, c *wire.Call, in *functionInput) (out *concurrency, err error) {
	err = s.edit(c, in.FunctionName, "", func(f *function) error {
		out = &concurrency{f.reserved}
		return nil
	})
	return out, err
}

func (s *Service) deleteFunctionConcurrency(_ context.Context, c *wire.Call, in *functionInput) (*noContent, error) {
	return &noContent{}, s.edit(c, in.FunctionName, "", func(f *function) error {
		f.reserved = nil
		return nil
	})
}
